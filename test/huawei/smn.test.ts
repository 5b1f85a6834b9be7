import { afterEach, beforeAll, describe, expect, it } from "vitest"
import { type SmnRequests, smnRequests } from "../../lib/huawei/smn.ts"
import { certificateFor, type TestCertificate } from "./certificates.ts"
import { answer, type Script, says, startWire, type Wire } from "./wire.ts"

let certificate: TestCertificate
const open: (Wire | SmnRequests)[] = []
beforeAll(async () => {
  certificate = await certificateFor("localhost")
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

async function smnOf(script: Script, timeoutMs = 600_000) {
  const wire = await startWire(script, { tls: certificate })
  const smn = smnRequests({ tls: { ca: certificate.cert }, timeoutMs })
  open.push(smn, wire)
  return { wire, smn, url: `https://localhost:${wire.port}/smn/SMN_cn_0123.pem?token=secret` }
}

const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

describe("a signing certificate", () => {
  it("a signing certificate is fetched by one unsigned GET", async () => {
    const { smn, wire, url } = await smnOf(says(answer(200, PEM)))
    expect(await smn.fetchPem(url)).toEqual({ ok: true, value: PEM })
    expect(wire.received()).toMatch(/^GET \/smn\/SMN_cn_0123\.pem\?token=secret HTTP\/1\.1\r\n/)
    expect(wire.received().toLowerCase()).not.toContain("authorization")
  })

  it.each<[string, Script, RegExp]>([
    [
      "a redirect, which is not followed",
      says(answer(302, "", { location: "https://localhost/" })),
      /answered 302$/,
    ],
    ["status 404", says(answer(404, PEM)), /answered 404$/],
    ["a response that is not PEM", says(answer(200, "<html>")), /not a PEM certificate$/],
    ["more than 64 KB", says(answer(200, PEM + "x".repeat(65_536))), /larger than 64 KB$/],
    [
      "more than 64 KB in chunks",
      says(
        `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10001\r\n${"x".repeat(65_537)}\r\n0\r\n\r\n`,
      ),
      /larger than 64 KB$/,
    ],
    ["a reset", { onRequest: (socket) => socket.destroy() }, /could not be read/],
  ])("fetching a signing certificate fails on %s", async (_title, script, why) => {
    const { smn, url, wire } = await smnOf(script)
    const fetched = await smn.fetchPem(url)
    expect(fetched).toEqual({ ok: false, why: expect.stringMatching(why) })
    expect(JSON.stringify(fetched)).not.toContain("secret")
    expect(wire.requestLines()).toBe(1)
  })

  it("fetching a signing certificate fails if it takes too long", async () => {
    const { smn, url } = await smnOf({}, 100)
    expect(await smn.fetchPem(url)).toEqual({ ok: false, why: expect.stringMatching(/it took too long$/) })
  })

  it.each(["http://localhost/x.pem", "file:///etc/passwd", "x.pem", ""])(
    "a signing certificate is never fetched from %j",
    async (url) => {
      const { smn, wire } = await smnOf(says(answer(200, PEM)))
      expect(await smn.fetchPem(url)).toEqual({ ok: false, why: "the address is not an https URL" })
      expect(wire.connections()).toBe(0)
    },
  )

  it("fetching a signing certificate fails if the server's TLS certificate is not trusted", async () => {
    const { wire, url } = await smnOf(says(answer(200, PEM)))
    const smn = smnRequests()
    open.push(smn)
    expect(await smn.fetchPem(url)).toMatchObject({ ok: false })
    expect(wire.received()).toBe("")
  })
})

describe("a subscription", () => {
  it("an SMN subscription is confirmed by a GET of its URL", async () => {
    const { smn, url } = await smnOf(says(answer(200, { subscription_urn: "urn" })))
    expect(await smn.confirmSubscription(url)).toEqual({ ok: true, value: '{"subscription_urn":"urn"}' })
  })

  it.each<[string, object, string]>([
    ["error_code", { error_code: "SMN.0005", error_msg: "token is invalid" }, "SMN.0005: token is invalid"],
    ["code", { code: 40008, message: "expired" }, "40008: expired"],
  ])("an SMN subscription is not confirmed by status 200 with %s in the body", async (_, body, said) => {
    const { smn, url } = await smnOf(says(answer(200, body)))
    const fetched = await smn.confirmSubscription(url)
    expect(fetched).toEqual({
      ok: false,
      why: expect.stringMatching(new RegExp(`refused with code ${said}$`)),
    })
    expect(JSON.stringify(fetched)).not.toContain("secret")
  })

  it("a refused SMN subscription is reported without its token", async () => {
    const { smn, url } = await smnOf(says(answer(400, "bad token")))
    const fetched = await smn.confirmSubscription(url)
    expect(fetched).toEqual({ ok: false, why: expect.stringMatching(/^localhost:\d+ answered 400$/) })
  })
})
