import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http"
import { createServer as createHttpsServer } from "node:https"
import type { AddressInfo } from "node:net"
import { afterEach, describe, expect, it } from "vitest"
import { messageOf } from "../../lib/notify/message.ts"
import { webhookNotifier } from "../../lib/notify/webhook.ts"
import { certificateFor, type TestCertificate } from "../huawei/certificates.ts"
import { noticeOf } from "./notice.ts"

// On the wire: a real server on loopback answers, in all the ways a webhook can.

/** No test ends by it, however busy the machine is. */
const PATIENT_MS = 60_000
const PATH = "/services/T0/B0/SECRET?key=SECRET"
const open: { close(): void; closeAllConnections(): void }[] = []
afterEach(() => {
  for (const server of open.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

interface Received {
  method: string | undefined
  url: string | undefined
  headers: IncomingMessage["headers"]
  body: string
}

type Answer = (response: ServerResponse, request: IncomingMessage) => void

/** A webhook, and all that it was told. */
async function webhookThat(answer: Answer, tls?: TestCertificate) {
  const received: Received[] = []
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    let body = ""
    for await (const chunk of request) body += String(chunk)
    received.push({ method: request.method, url: request.url, headers: request.headers, body })
    answer(response, request)
  }
  const listener = (request: IncomingMessage, response: ServerResponse) => void serve(request, response)
  const server = tls ? createHttpsServer(tls, listener) : createHttpServer(listener)
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return { received, port, address: `${tls ? "https://localhost" : "http://127.0.0.1"}:${port}${PATH}` }
}

const says =
  (status: number, headers: Record<string, string> = {}, body = "ok"): Answer =>
  (response) =>
    response.writeHead(status, headers).end(body)

describe("a webhook that takes it", () => {
  it("gets one POST of the message as plain JSON", async () => {
    const { received, address } = await webhookThat(says(200))
    expect(await webhookNotifier(address).tell(noticeOf(), PATIENT_MS)).toEqual({ ok: true })
    expect(received).toHaveLength(1)
    expect(received[0]).toMatchObject({
      method: "POST",
      url: PATH,
      headers: { "content-type": "application/json", "user-agent": "supernode-autoscaler" },
    })
    expect(received[0]?.headers).not.toHaveProperty("authorization")
    expect(JSON.parse(received[0]?.body ?? "")).toEqual(messageOf(noticeOf()))
  })

  it.each<[string, Answer]>([
    ["202", says(202)],
    ["204 without a body", (response) => response.writeHead(204).end()],
    ["a status whose body never ends", (response) => response.writeHead(200).write("o")],
    ["a status with megabytes behind it", says(200, {}, "x".repeat(5_000_000))],
  ])("may answer %s", async (_, answer) => {
    const { address } = await webhookThat(answer)
    expect(await webhookNotifier(address).tell(noticeOf(), PATIENT_MS)).toEqual({ ok: true })
  })

  it("may ask for a name and a password, which stand in its address", async () => {
    const { received, port } = await webhookThat(says(200))
    const address = `http://me:p%40ss@127.0.0.1:${port}/x`
    expect(await webhookNotifier(address).tell(noticeOf(), PATIENT_MS)).toEqual({ ok: true })
    expect(received[0]?.headers.authorization).toBe(`Basic ${Buffer.from("me:p@ss").toString("base64")}`)
  })

  it("may be https, with a certificate that is trusted", async () => {
    const certificate = await certificateFor("localhost")
    const { address } = await webhookThat(says(200), certificate)
    const notifier = webhookNotifier(address, { tls: { ca: certificate.cert } })
    expect(await notifier.tell(noticeOf(), PATIENT_MS)).toEqual({ ok: true })
  })
})

describe("a webhook that does not take it is told of in words without its address, and asked once", () => {
  it.each<[string, Answer, string]>([
    ["500", says(500, {}, "SECRET"), "the webhook answered 500"],
    ["404", says(404, {}, "no_service SECRET"), "the webhook answered 404"],
    ["429", says(429, { "retry-after": "1" }), "the webhook answered 429"],
    [
      "a reset",
      (_, request) => request.socket.destroy(),
      "the webhook gave no answer that can be read (UND_ERR_SOCKET)",
    ],
    [
      "what is no HTTP",
      (_, request) => request.socket.end("SECRET\r\n\r\n"),
      "the webhook gave no answer that can be read",
    ],
  ])("%s", async (_, answer, why) => {
    const { received, address } = await webhookThat(answer)
    expect(await webhookNotifier(address).tell(noticeOf(), PATIENT_MS)).toEqual({ ok: false, why })
    expect(received).toHaveLength(1)
  })

  it.each([301, 302, 303, 307, 308])("a redirect (%i), which is not followed", async (status) => {
    const other = await webhookThat(says(200))
    const { received, address } = await webhookThat(says(status, { location: other.address }))
    expect(await webhookNotifier(address).tell(noticeOf(), PATIENT_MS)).toEqual({
      ok: false,
      why: `the webhook answered ${status}, and redirects are not followed`,
    })
    expect(received).toHaveLength(1)
    expect(other.received).toEqual([])
  })

  it("silence, once the time is over", async () => {
    const { received, address } = await webhookThat(() => undefined)
    expect(await webhookNotifier(address).tell(noticeOf(), 60.5)).toEqual({
      ok: false,
      why: "the webhook did not answer within 60 ms",
    })
    expect(received).toHaveLength(1)
  })

  it("a port where nobody listens", async () => {
    const { address } = await webhookThat(says(200))
    open.pop()?.close()
    expect(await webhookNotifier(address).tell(noticeOf(), PATIENT_MS)).toEqual({
      ok: false,
      why: "the webhook gave no answer that can be read (ECONNREFUSED)",
    })
  })

  it("a certificate that nobody trusts, before a word of it was sent", async () => {
    const { received, address } = await webhookThat(says(200), await certificateFor("localhost"))
    expect(await webhookNotifier(address).tell(noticeOf(), PATIENT_MS)).toEqual({
      ok: false,
      why: "the webhook gave no answer that can be read (DEPTH_ZERO_SELF_SIGNED_CERT)",
    })
    expect(received).toEqual([])
  })

  it.each(["http://192.0.2.1/SECRET", "http://hooks.invalid/SECRET", "ftp://localhost/SECRET", "SECRET"])(
    "an address that is not secure is never asked: %s",
    async (address) => {
      expect(await webhookNotifier(address).tell(noticeOf(), PATIENT_MS)).toEqual({
        ok: false,
        why: "the webhook is not https, and plain http may not leave this machine",
      })
    },
  )
})
