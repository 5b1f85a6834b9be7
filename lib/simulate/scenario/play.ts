import type { OperatorCommand } from "../../decision/state/control.ts"
import type { RunResult } from "../../run/result.ts"
import { type Expectation, type Scenario, type Step, WAKES } from "./script.ts"
import { Stage, type StageOptions } from "./stage.ts"

/** A difference between the expectations of a scenario and its result. */
export interface Failure {
  /** Epoch milliseconds in the scenario's time; `null` for a check at its end. */
  at: number | null
  /** Index of the step in `timeline`; `null` for a check at the end. */
  step: number | null
  /** The supernode; `null` if it concerns all. */
  on: string | null
  /** The key of `expect`; at the end, `orders` or a ledger entry. */
  what: string
  expected: unknown
  got: unknown
  /** Reason, from the finding that held; `null` if there is none. */
  says: string | null
}

/** Plays a scenario to its end and returns all differences. */
export async function play(scenario: Scenario, options: StageOptions): Promise<Failure[]> {
  const stage = await Stage.open(scenario, options)
  const failures: Failure[] = []
  try {
    for (const [nth, step] of scenario.timeline.entries()) {
      const found = await playStep(stage, step)
      failures.push(...found.map((one) => ({ at: stage.now, step: nth, on: stage.nameOf(step), ...one })))
    }
    const atEnd = { at: null, step: null, on: null }
    const { orders } = stage
    if (orders.length !== scenario.orders) {
      const got = `${orders.length} (${orders.map(({ plan }) => plan.to).join(", ")})`
      failures.push({
        ...atEnd,
        what: "orders",
        expected: scenario.orders,
        got: orders.length === 0 ? 0 : got,
        says: null,
      })
    }
    const { streams, across } = await stage.ledger.verifyAll()
    const bad = [...streams.flatMap((verdict) => (verdict.ok ? [] : [verdict])), ...across]
    for (const { stream, seq, problem } of bad)
      failures.push({
        ...atEnd,
        what: `${stream} #${seq}`,
        expected: "an intact entry",
        got: problem,
        says: null,
      })
    return failures
  } finally {
    await stage.close()
  }
}

type Difference = Pick<Failure, "what" | "expected" | "got" | "says">

async function playStep(stage: Stage, step: Step): Promise<Difference[]> {
  const on = stage.nameOf(step)
  stage.moveTo(step.at)
  if (step.cloud) stage.changeCloud(on, step.cloud)
  if (step.policy) await stage.changePolicy(step.policy)
  if (step.mode) stage.setMode(step.mode)
  const refused = await runCommand(stage, step)
  const expected = step.expect?.refused
  if (refused !== null && (expected === undefined || !refused.includes(expected)))
    return [{ what: "refused", expected: expected ?? null, got: refused, says: null }]
  if (expected !== undefined && refused === null)
    return [{ what: "refused", expected, got: null, says: null }]
  if (!WAKES.some((key) => step[key] !== undefined)) return []
  const before = (await stage.entries(on)).length
  const ordered = stage.orders.length
  const result = await stage.wake(on, stage.signalOf(step))
  const added = (await stage.entries(on)).slice(before)
  return differences(step.expect ?? {}, {
    result,
    orders: stage.orders.slice(ordered).map(({ plan }) => plan.to),
    observed: added.flatMap(({ observation }) => (observation ? [observation.kind] : [])),
    written: added.length,
  })
}

/** Runs the step's operator command. Returns the reason if it was refused, otherwise `null`. */
export async function runCommand(stage: Stage, step: Step): Promise<string | null> {
  const command = await commandOf(stage, step)
  if (!command) return null
  try {
    await stage.say(stage.nameOf(step), command)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function commandOf(stage: Stage, step: Step): Promise<OperatorCommand | null> {
  const on = stage.nameOf(step)
  const { id } = stage.policyOf(on).policy
  const { pause, resume, hold, approve, settle, reset } = step
  if (pause) {
    const until = pause.lasts === undefined ? null : stage.now + pause.lasts
    return { verb: "pause", supernode: pause.all ? null : id, why: pause.why, by: pause.by, until }
  }
  if (resume) return { verb: "resume", supernode: resume.all ? null : id, why: resume.why, by: resume.by }
  if (hold) return { verb: "hold", supernode: id, why: hold.why, by: hold.by, until: stage.now + hold.lasts }
  if (approve) return { verb: "approve", planHash: stage.shown ?? "none", by: approve.by }
  if (settle) {
    const attempt = await stage.attemptOf(on)
    return { verb: "settle", attempt, as: settle.as, why: settle.why, by: settle.by, servers: null }
  }
  return reset ? { verb: "reset", why: reset.why, by: reset.by } : null
}

interface PlayedStep {
  result: RunResult
  /** Total servers of each order that reached the cloud. */
  orders: number[]
  observed: string[]
  written: number
}

function differences(expected: Expectation, { result, orders, observed, written }: PlayedStep): Difference[] {
  const { decision, outcome, plan, mode } = result
  const { kind, heldBy, findings } = decision
  const failing = findings.filter(({ passed }) => passed === false).map(({ reason }) => reason)
  const ended = outcome?.kind ?? "nothing"
  const why = heldBy === null ? null : (findings.find(({ reason }) => reason === heldBy)?.says ?? null)
  const held = why === null ? null : `held by ${heldBy}: ${why}`
  const found: Difference[] = []
  const want = (what: string, expected: unknown, got: unknown) => {
    if (JSON.stringify(expected) !== JSON.stringify(got))
      found.push({ what, expected: expected, got, says: held })
  }
  if (expected.buys !== undefined) want("buys", [expected.buys, "accepted"], [orders.at(-1) ?? 0, ended])
  if (expected.tries !== undefined) want("tries", [expected.tries, expected.outcome], [plan?.to ?? 0, ended])
  if (expected.would_buy !== undefined)
    want("would_buy", [expected.would_buy, "scale-up"], [plan?.to ?? 0, kind])
  if (expected.held !== undefined) want("held", expected.held, heldBy)
  if (expected.buys === undefined && expected.tries === undefined) want("orders", [], orders)
  for (const reason of expected.also ?? [])
    if (!failing.includes(reason)) found.push({ what: "also", expected: reason, got: failing, says: null })
  const all = findings.map(({ says }) => says)
  for (const text of expected.says ?? [])
    if (!all.some((says) => says.includes(text)))
      found.push({ what: "says", expected: text, got: all, says: null })
  if (expected.mode !== undefined) want("mode", expected.mode, mode)
  if (expected.observed !== undefined) want("observed", expected.observed, observed)
  if (expected.writes !== undefined) want("writes", 0, written)
  return found
}
