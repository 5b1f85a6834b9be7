import { describe, expect, test } from "vitest"
import {
  type FetchedCertificate,
  rememberCertificates,
} from "../../../lib/signals/webhooks/certificate-cache.ts"

const DAY = 86_400_000

/** A cache over a fetcher that records its calls, and over a clock that the test moves. */
function fakes() {
  const world = {
    fetched: [] as string[],
    now: 0,
    answers: (url: string): FetchedCertificate => ({ ok: true, pem: `pem of ${url}` }),
  }
  const fetch = rememberCertificates(
    async (url) => {
      world.fetched.push(url)
      return world.answers(url)
    },
    () => world.now,
  )
  return { world, fetch }
}

describe("a signing certificate", () => {
  test("a signing certificate is fetched once for many concurrent requests", async () => {
    const { world, fetch } = fakes()
    await Promise.all([fetch("a"), fetch("a"), fetch("b"), fetch("a")])
    expect(world.fetched).toEqual(["a", "b"])
  })

  test("a signing certificate is fetched once a day", async () => {
    const { world, fetch } = fakes()
    await fetch("a")
    world.now = DAY - 1
    expect(await fetch("a")).toEqual({ ok: true, pem: "pem of a" })
    expect(world.fetched).toEqual(["a"])
    world.now = DAY
    await fetch("a")
    expect(world.fetched).toEqual(["a", "a"])
  })

  test("a signing certificate that could not be fetched is tried again at the next request", async () => {
    const { world, fetch } = fakes()
    world.answers = () => ({ ok: false, why: "timeout" })
    expect(await fetch("a")).toEqual({ ok: false, why: "timeout" })
    world.answers = () => ({ ok: true, pem: "pem" })
    expect(await fetch("a")).toEqual({ ok: true, pem: "pem" })
  })

  test("a signing certificate is forgotten once sixteen newer ones are known", async () => {
    const { world, fetch } = fakes()
    for (let i = 0; i <= 16; i += 1) await fetch(`url ${i}`)
    world.fetched.length = 0
    await fetch("url 16")
    await fetch("url 1")
    expect(world.fetched).toEqual([])
    await fetch("url 0")
    expect(world.fetched).toEqual(["url 0"])
  })
})
