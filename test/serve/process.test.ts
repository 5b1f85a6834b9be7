import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { POLICY, SANDBOX } from "../corridor/corridor.ts"
import { SandboxApart } from "../sandbox/apart.ts"
import { type BuiltCli, buildCli, urlOf } from "./built-cli.ts"
import { alertBody, bearer, otherAlert, ServeFixture, TOKEN } from "./fixture.ts"
import type { Program } from "./program.ts"

// Runs the built command and the sandbox as separate processes on the system's clock: signals, kills, and two
// commands at once.

let cli: BuiltCli
beforeAll(async () => {
  cli = await buildCli()
})
afterAll(() => cli.remove())

const MINUTE = 60_000

type FixtureApart = ServeFixture<SandboxApart>

/** Opens a fixture whose cloud uses the system's clock; delayed responses wait until the gate opens. */
async function placeNow(): Promise<FixtureApart> {
  return ServeFixture.over(await SandboxApart.start({ ...SANDBOX, gated: true }))
}

async function purchases({ sandbox }: FixtureApart): Promise<number> {
  await sandbox.look()
  return sandbox.scaleUps.length
}

async function alert(one: Program, body = alertBody()): Promise<Record<string, unknown>> {
  const answer = await fetch(`${await urlOf(one)}/alertmanager`, { method: "POST", headers: bearer(), body })
  return (await answer.json()) as Record<string, unknown>
}

/** Ticks at New Year only, since a tick every five minutes might buy before the alerts do. */
function serveWithoutTicks(fixture: FixtureApart, ...argv: string[]): Program {
  return cli.serve(fixture.settings(), "--tick", "0 0 1 1 *", ...argv)
}

/** Starts a process and leaves it in mid-purchase: the order is accepted, and no response ever comes. */
async function buying(): Promise<{ fixture: FixtureApart; one: Program; lost: Promise<unknown> }> {
  const fixture = await placeNow()
  await fixture.sandbox.failNext("scale-up", { hang: "after-effect" })
  const one = serveWithoutTicks(fixture)
  // Fails at once if the command cannot start.
  await urlOf(one)
  const lost = alert(one).catch(() => "no answer")
  await fixture.sandbox.until(() => fixture.sandbox.orders.length > 0)
  return { fixture, one, lost }
}

/** Starts the next process and checks that the open attempt makes it hold another alarm. */
async function heldByTheNext(fixture: FixtureApart) {
  await fixture.sandbox.advance(10 * MINUTE)
  const next = await fixture.serve()
  const again = await next.post("/alertmanager", otherAlert("aaaa"))
  expect(again.body).toMatchObject({ results: [{ decision: { kind: "hold", heldBy: "outcome-unknown" } }] })
  expect(await purchases(fixture)).toBe(1)
  return next
}

describe("the built command", () => {
  it("two serve processes on one ledger place one order for an alert, and a stop lets the purchase finish", async () => {
    const fixture = await placeNow()
    await fixture.sandbox.failNext("scale-up", { delayMs: 1 })
    const [words, json] = [serveWithoutTicks(fixture), serveWithoutTicks(fixture, "--json")]
    const both = [words, json]
    await Promise.all(both.map(urlOf))

    fixture.writePolicy(POLICY.replace("above: 85", "above: high"))
    words.kill("SIGHUP")
    await words.until(/policy\.yaml:18:16: supernodes\.0\.rules\.0\.above[\s\S]*the new policy was refused/)
    fixture.writePolicy(POLICY.replace("above: 85", "above: 90"))
    words.kill("SIGHUP")
    await words.until(/the policy was read again: train-a sha256:/)

    const answers = Promise.all(
      both.flatMap((one) => [alert(one), alert(one)]).map((sent) => sent.catch(() => "came too late")),
    )
    await fixture.sandbox.untilGated()
    for (const one of both) one.kill("SIGTERM")
    await Promise.all(both.map((one) => one.until(/stopping: /)))
    await fixture.sandbox.open()
    expect(await Promise.all(both.map((one) => one.ended))).toEqual([0, 0])
    expect(JSON.stringify(await answers)).toContain('"kind":"accepted"')
    expect(await purchases(fixture)).toBe(1)
    const entries = await (await fixture.serve()).entries()
    const attempts = entries.filter(({ attempt }) => attempt)
    expect(attempts.map(({ kind }) => kind)).toEqual(["opened", "settled"])

    expect(words.out).toBe("")
    expect(words.err).toMatch(/INFO {2}train-a: /)
    for (const line of json.out.trim().split("\n")) expect(JSON.parse(line)).toHaveProperty("message")
    const everything = both.map(({ out, err }) => out + err).join("")
    for (const secret of [TOKEN, "SANDBOX-SK", "user_test"]) expect(everything).not.toContain(secret)
  })

  it("a serve process killed in mid-purchase leaves an open attempt, and the next process holds outcome-unknown", async () => {
    const { fixture, one, lost } = await buying()
    one.kill("SIGKILL")
    expect([await one.ended, await lost]).toEqual(["SIGKILL", "no answer"])

    const next = await heldByTheNext(fixture)
    expect((await next.entries()).map(({ kind, observation }) => observation?.kind ?? kind)).toEqual([
      "opened",
      "unknown",
      "decided",
    ])
  })

  it("a second stop signal ends serve at once, and the next process holds with outcome-unknown", async () => {
    const { fixture, one, lost } = await buying()
    one.kill("SIGTERM")
    await one.until(/stopping: /)
    expect(one.hasExited).toBe(false)
    one.kill("SIGTERM")
    expect([await one.ended, await lost]).toEqual(["SIGTERM", "no answer"])

    await heldByTheNext(fixture)
  })
})
