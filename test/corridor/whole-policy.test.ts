import { randomUUID } from "node:crypto"
import { readFileSync } from "node:fs"
import { afterEach, describe, expect, it, vi } from "vitest"
import { commandAll } from "../../lib/ledger/commands.ts"
import { PrometheusServer } from "../metrics/prometheus/server.ts"
import { clockAt } from "../world/clock.ts"
import { Corridor, EXPECTED_BODY, eventOf, resultsOf } from "./corridor.ts"

// examples/policy.yaml has every key. It must not only be valid, but also buy when it should.

const EXAMPLE = readFileSync(new URL("../../examples/policy.yaml", import.meta.url), "utf8")
const ALARM_AT = Date.parse("2024-01-12T16:51:30Z")
const MINUTE = 60_000
const HOUR = 60 * MINUTE

const open: { close(): Promise<unknown> }[] = []

afterEach(async () => {
  vi.restoreAllMocks()
  for (const one of open.splice(0).reverse()) await one.close()
})

async function start(at: number, change = (policy: string) => policy) {
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, "write").mockReturnValue(true)
  const prometheus = await PrometheusServer.start()
  open.push(prometheus)
  const policy = EXAMPLE.replace("http://prometheus:9090", prometheus.url).replace(
    "https://hooks.example.com/T0/B0/x",
    "http://127.0.0.1:9/",
  )
  const options = { at, policy: change(policy) }
  const corridor = await Corridor.open(options)
  open.push(corridor)
  return { corridor, prometheus, setClock: (now: number) => Object.assign(options, { at: now }) }
}

const tickAt = (at: number) => ({ kind: "tick", name: "sweep", time: new Date(at).toISOString() })

describe("the example policy with every key there is", () => {
  it("the example policy observes for a day, then buys on an alarm, counts the purchase for the fleet, and cools down", async () => {
    const firstSeen = ALARM_AT - 24 * HOUR
    const { corridor, prometheus, setClock } = await start(firstSeen)
    const [seen] = resultsOf(await corridor.lambda("schedule", tickAt(firstSeen)))
    expect(seen).toMatchObject({ mode: "observe", decision: { kind: "scale-up" }, plan: { to: 4 } })
    expect(corridor.sandbox.scaleUps).toEqual([])

    setClock(ALARM_AT)
    prometheus.instead = (_asked, response) => {
      response.writeHead(500).end()
      return true
    }
    const alarm = eventOf("functiongraph-smn-cloud-eye-alarm")
    const [bought] = resultsOf(await corridor.functionGraph("alarm", alarm))
    expect(bought).toMatchObject({
      mode: "live",
      decision: { kind: "scale-up", heldBy: null },
      plan: { from: 2, to: 4, cost: { amount: 120_000, currency: "CNY" } },
      outcome: { kind: "accepted" },
    })
    expect(corridor.sandbox.scaleUps.map(({ body }) => body)).toEqual([EXPECTED_BODY])
    // A failed meter is reported and does not block other rules.
    const evidence = bought?.decision.findings.find(({ gate }) => gate === "evidence")
    expect(evidence?.says).toMatch(/queue-long: .*(500|could not be read)/)

    const fleet = await corridor.entries("fleet")
    expect(fleet.map(({ kind }) => kind)).toEqual(["opened", "settled"])
    expect(await corridor.ledger.verify("fleet")).toMatchObject({ ok: true, entries: 2 })

    setClock(ALARM_AT + 15 * MINUTE)
    const [tick] = resultsOf(await corridor.lambda("schedule", tickAt(ALARM_AT + 15 * MINUTE)))
    expect(tick).toMatchObject({ mode: "live", decision: { heldBy: "cooldown" } })
    expect(corridor.sandbox.scaleUps).toHaveLength(1)
  })

  it("the example policy requires two approvals above a price, and the next tick buys once both approvals exist", async () => {
    const firstSeen = ALARM_AT - 25 * HOUR
    const { corridor, setClock } = await start(firstSeen, (policy) =>
      policy.replace("above: { amount: 150000", "above: { amount: 100000"),
    )
    await corridor.lambda("schedule", tickAt(firstSeen))
    setClock(ALARM_AT)
    const [wanted] = resultsOf(await corridor.lambda("schedule", tickAt(ALARM_AT)))
    expect(wanted).toMatchObject({ mode: "live", decision: { heldBy: "approval-needed" }, plan: { to: 4 } })
    const planHash = wanted?.plan?.hash ?? ""
    for (const [i, by] of ["bob", "carol"].entries()) {
      const at = ALARM_AT + (i + 1) * MINUTE
      setClock(at)
      await commandAll(
        { ledger: corridor.ledger, clock: clockAt(at), newId: randomUUID },
        { verb: "approve", planHash, by },
      )
      const [tick] = resultsOf(await corridor.lambda("schedule", tickAt(at + 1)))
      expect(tick?.decision.heldBy).toBe(by === "bob" ? "approval-needed" : null)
    }
    expect(corridor.sandbox.scaleUps.map(({ body }) => body)).toEqual([EXPECTED_BODY])
  })
})
