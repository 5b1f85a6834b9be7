import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { POLICY } from "../corridor/corridor.ts"
import { type BuiltCli, buildCli, type ServeProcess } from "./built-cli.ts"
import { alertBody, bearer, type Gate, gate, otherAlert, Place, type PlaceOptions, TOKEN } from "./place.ts"

// The built command as processes of their own, on the system's clock: signals, kills, and two of them at once.

let cli: BuiltCli
beforeAll(async () => {
  cli = await buildCli()
})
afterAll(() => cli.remove())

const MINUTE = 60_000

/** A cloud on the system's clock; the answer to a purchase comes when the gate opens. */
async function placeNow(options: PlaceOptions = {}): Promise<{ place: Place; door: Gate }> {
  const door = gate()
  const place = await Place.open({ ...options, sandbox: { now: Date.now, ...door.sandbox } })
  return { place, door }
}

async function alert(one: ServeProcess, body = alertBody()): Promise<Record<string, unknown>> {
  const answer = await fetch(`${await one.url()}/alertmanager`, { method: "POST", headers: bearer(), body })
  return (await answer.json()) as Record<string, unknown>
}

describe("the built command", () => {
  it("serves two at once on one ledger: the same alert at both is one order; SIGTERM ends each with 0", async () => {
    const { place } = await placeNow()
    const both = [cli.serve(place.settings()), cli.serve(place.settings(), "--json")]
    const answers = await Promise.all(both.flatMap((one) => [alert(one), alert(one)]))
    expect(place.sandbox.scaleUps).toHaveLength(1)
    expect(JSON.stringify(answers)).toContain('"kind":"accepted"')
    for (const one of both) one.kill("SIGTERM")
    expect(await Promise.all(both.map((one) => one.ended))).toEqual([0, 0])
    const [words, json] = both
    expect(words?.out).toBe("")
    expect(words?.err).toMatch(/INFO {2}train-a: .*\n.*INFO {2}POST \/alertmanager 200 in \d+ ms\n/)
    for (const line of json?.out.trim().split("\n") ?? []) expect(JSON.parse(line)).toHaveProperty("message")
    const everything = both.map(({ out, err }) => out + err).join("")
    for (const secret of [TOKEN, "SANDBOX-SK", "user_test"]) expect(everything).not.toContain(secret)
  })

  it("finishes a purchase that is under way when told to stop, and reads its policy anew on SIGHUP until then", async () => {
    const { place, door } = await placeNow()
    place.sandbox.failNext("scale-up", { delayMs: 1 })
    const one = cli.serve(place.settings())
    await one.url()
    place.writePolicy(POLICY.replace("above: 85", "above: high"))
    one.kill("SIGHUP")
    await one.until(/policy\.yaml:18:16: supernodes\.0\.rules\.0\.above[\s\S]*the policy was NOT taken/)
    place.writePolicy(POLICY.replace("above: 85", "above: 90"))
    one.kill("SIGHUP")
    await one.until(/the policy was read anew: train-a sha256:/)
    const answer = alert(one)
    await door.arrived
    one.kill("SIGTERM")
    await one.until(/stopping: finishing 1 run first, up to 2m; once more ends it at once/)
    door.open()
    expect(await answer).toMatchObject({ results: [{ outcome: { kind: "accepted" } }] })
    expect(await one.ended).toBe(0)
    expect((await (await place.serve()).entries()).map(({ kind }) => kind)).toEqual(["opened", "settled"])
  })

  it.each([
    ["killed", (one: ServeProcess) => one.kill("SIGKILL"), "SIGKILL"],
    [
      "told twice to stop",
      async (one: ServeProcess) => {
        one.kill("SIGINT")
        await one.until(/stopping/)
        one.kill("SIGINT")
      },
      "SIGINT",
    ],
  ] as const)(
    "%s in mid-purchase leaves an open attempt: whoever starts next holds it for unknown",
    async (_, end, code) => {
      const { place, door } = await placeNow()
      place.sandbox.failNext("scale-up", { hang: "after-effect" })
      const one = cli.serve(place.settings())
      const lost = alert(one).catch(() => "no answer")
      while (place.sandbox.orders.length === 0) await new Promise((resolve) => setImmediate(resolve))
      await end(one)
      expect([await one.ended, await lost]).toEqual([code, "no answer"])
      door.open()

      place.pass(10 * MINUTE)
      const next = await place.serve()
      const again = await next.post("/alertmanager", otherAlert("aaaa"))
      expect(again.body).toMatchObject({
        results: [{ decision: { kind: "hold", heldBy: "outcome-unknown" } }],
      })
      expect(place.sandbox.scaleUps).toHaveLength(1)
      expect((await next.entries()).map(({ kind, observation }) => observation?.kind ?? kind)).toEqual([
        "opened",
        "unknown",
        "decided",
      ])
    },
  )
})
