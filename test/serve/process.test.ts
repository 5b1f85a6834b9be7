import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { POLICY } from "../corridor/corridor.ts"
import { type BuiltCli, buildCli, urlOf } from "./built-cli.ts"
import { alertBody, bearer, type Gate, gate, otherAlert, Place, type PlaceOptions, TOKEN } from "./place.ts"
import type { Program } from "./program.ts"

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

async function alert(one: Program, body = alertBody()): Promise<Record<string, unknown>> {
  const answer = await fetch(`${await urlOf(one)}/alertmanager`, { method: "POST", headers: bearer(), body })
  return (await answer.json()) as Record<string, unknown>
}

/** In mid-purchase: the order is taken, and its answer never comes. */
async function buying(): Promise<{ place: Place; one: Program; lost: Promise<unknown> }> {
  const { place } = await placeNow()
  place.sandbox.failNext("scale-up", { hang: "after-effect" })
  const one = cli.serve(place.settings())
  const lost = alert(one).catch(() => "no answer")
  while (place.sandbox.orders.length === 0) await new Promise((resolve) => setImmediate(resolve))
  return { place, one, lost }
}

/** Whoever starts after it finds the attempt open, and holds another alarm. */
async function heldByTheNext(place: Place) {
  place.pass(10 * MINUTE)
  const next = await place.serve()
  const again = await next.post("/alertmanager", otherAlert("aaaa"))
  expect(again.body).toMatchObject({ results: [{ decision: { kind: "hold", heldBy: "outcome-unknown" } }] })
  expect(place.sandbox.scaleUps).toHaveLength(1)
  return next
}

describe("the built command", () => {
  it("serves two at once on one ledger: the same alert at both is one order, which a stop sees through", async () => {
    const { place, door } = await placeNow()
    place.sandbox.failNext("scale-up", { delayMs: 1 })
    const [words, json] = [cli.serve(place.settings()), cli.serve(place.settings(), "--json")]
    const both = [words, json]
    await Promise.all(both.map(urlOf))

    place.writePolicy(POLICY.replace("above: 85", "above: high"))
    words.kill("SIGHUP")
    await words.until(/policy\.yaml:18:16: supernodes\.0\.rules\.0\.above[\s\S]*the policy was NOT taken/)
    place.writePolicy(POLICY.replace("above: 85", "above: 90"))
    words.kill("SIGHUP")
    await words.until(/the policy was read anew: train-a sha256:/)

    const answers = Promise.all(
      both.flatMap((one) => [alert(one), alert(one)]).map((sent) => sent.catch(() => "came too late")),
    )
    await door.arrived
    for (const one of both) one.kill("SIGTERM")
    await Promise.all(both.map((one) => one.until(/stopping: /)))
    door.open()
    expect(await Promise.all(both.map((one) => one.ended))).toEqual([0, 0])
    expect(JSON.stringify(await answers)).toContain('"kind":"accepted"')
    expect(place.sandbox.scaleUps).toHaveLength(1)
    const entries = await (await place.serve()).entries()
    const attempts = entries.filter(({ attempt }) => attempt)
    expect(attempts.map(({ kind }) => kind)).toEqual(["opened", "settled"])

    expect(words.out).toBe("")
    expect(words.err).toMatch(/INFO {2}train-a: /)
    for (const line of json.out.trim().split("\n")) expect(JSON.parse(line)).toHaveProperty("message")
    const everything = both.map(({ out, err }) => out + err).join("")
    for (const secret of [TOKEN, "SANDBOX-SK", "user_test"]) expect(everything).not.toContain(secret)
  })

  it("killed in mid-purchase leaves an open attempt, which whoever starts next holds for unknown", async () => {
    const { place, one, lost } = await buying()
    one.kill("SIGKILL")
    expect([await one.ended, await lost]).toEqual(["SIGKILL", "no answer"])

    const next = await heldByTheNext(place)
    expect((await next.entries()).map(({ kind, observation }) => observation?.kind ?? kind)).toEqual([
      "opened",
      "unknown",
      "decided",
    ])
  })

  it("ends at once at a second stop signal, and the purchase under way is held for unknown by whoever starts next", async () => {
    const { place, one, lost } = await buying()
    one.kill("SIGTERM")
    await one.until(/stopping: /)
    expect(one.isOver).toBe(false)
    one.kill("SIGTERM")
    expect([await one.ended, await lost]).toEqual(["SIGTERM", "no answer"])

    await heldByTheNext(place)
  })
})
