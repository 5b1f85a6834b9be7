import type { Said } from "../../lib/decision/state/control.ts"
import type { RunResult } from "../../lib/run/result.ts"
import { type Expectation, type Scenario, type Step, WAKES } from "./script.ts"
import { Stage } from "./stage.ts"

/** Plays a scenario to its end -> everything that went otherwise than it says, one line each. */
export async function play(scenario: Scenario): Promise<string[]> {
  const stage = await Stage.open(scenario)
  const wrong: string[] = []
  try {
    for (const step of scenario.timeline) wrong.push(...(await playStep(stage, step)))
    if (stage.orders.length !== scenario.orders)
      wrong.push(`in the end ${stage.orders.length} orders reached the cloud, not ${scenario.orders}`)
    const { streams, across } = await stage.ledger.verifyAll()
    const bad = [...streams.flatMap((verdict) => (verdict.ok ? [] : [verdict])), ...across]
    for (const { stream, seq, problem } of bad) wrong.push(`${stream} #${seq} does not verify: ${problem}`)
    return wrong
  } finally {
    await stage.close()
  }
}

async function playStep(stage: Stage, step: Step): Promise<string[]> {
  stage.moveTo(step.at)
  const when = `${new Date(stage.now).toISOString()} ${step.on}`
  if (step.cloud) stage.changeCloud(step.on, step.cloud)
  if (step.policy) await stage.changePolicy(step.policy)
  if (step.mode) stage.setMode(step.mode)
  const refused = await speak(stage, step)
  if (refused !== null && !refused.includes(step.expect?.refused ?? "\n"))
    return [`${when}: refused: ${refused}`]
  if (step.expect?.refused !== undefined && refused === null) return [`${when}: was not refused`]
  if (!WAKES.some((key) => step[key] !== undefined)) return []
  const before = (await stage.entries(step.on)).length
  const ordered = stage.orders.length
  const result = await stage.wake(step.on, stage.signalOf(step))
  const news = (await stage.entries(step.on)).slice(before)
  const seen: Seen = {
    result,
    orders: stage.orders.slice(ordered).map(({ plan }) => plan.to),
    observed: news.flatMap(({ observation }) => (observation ? [observation.kind] : [])),
    written: news.length,
  }
  return problemsOf(step.expect ?? {}, seen).map((problem) => `${when}: ${problem}`)
}

/** Says what the step's person says; why it was refused, or null. */
export async function speak(stage: Stage, step: Step): Promise<string | null> {
  const said = await wordOf(stage, step)
  if (!said) return null
  try {
    await stage.say(step.on, said)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function wordOf(stage: Stage, step: Step): Promise<Said | null> {
  const { id } = stage.policyOf(step.on).policy
  const { pause, resume, hold, approve, settle, reset } = step
  if (pause) {
    const until = pause.lasts === undefined ? null : stage.now + pause.lasts
    return { verb: "pause", supernode: pause.all ? null : id, why: pause.why, by: pause.by, until }
  }
  if (resume) return { verb: "resume", supernode: resume.all ? null : id, why: resume.why, by: resume.by }
  if (hold) return { verb: "hold", supernode: id, why: hold.why, by: hold.by, until: stage.now + hold.lasts }
  if (approve) return { verb: "approve", planHash: stage.shown ?? "none", by: approve.by }
  if (settle) {
    const attempt = await stage.attemptOf(step.on)
    return { verb: "settle", attempt, as: settle.as, why: settle.why, by: settle.by, servers: null }
  }
  return reset ? { verb: "reset", why: reset.why, by: reset.by } : null
}

interface Seen {
  result: RunResult
  /** Servers in all, of each order that reached the cloud. */
  orders: number[]
  observed: string[]
  written: number
}

function problemsOf(expected: Expectation, { result, orders, observed, written }: Seen): string[] {
  const { decision, outcome, plan, mode } = result
  const { kind, heldBy, findings } = decision
  const failing = findings.filter(({ passed }) => passed === false).map(({ reason }) => reason)
  const said = findings.map(({ says }) => says).join("\n")
  const ended = outcome?.kind ?? "nothing"
  const problems: string[] = []
  const want = (what: string, wanted: unknown, got: unknown) => {
    if (JSON.stringify(wanted) !== JSON.stringify(got)) {
      const why =
        heldBy === null
          ? ""
          : ` (held by ${heldBy}: ${findings.find(({ reason }) => reason === heldBy)?.says})`
      problems.push(`${what} was ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}${why}`)
    }
  }
  if (expected.buys !== undefined)
    want("what was bought", [expected.buys, "accepted"], [orders.at(-1) ?? 0, ended])
  if (expected.tries !== undefined)
    want("what was tried", [expected.tries, expected.outcome], [plan?.to ?? 0, ended])
  if (expected.would_buy !== undefined)
    want("what would be bought", [expected.would_buy, "scale-up"], [plan?.to ?? 0, kind])
  if (expected.held !== undefined) want("heldBy", expected.held, heldBy)
  if (expected.buys === undefined && expected.tries === undefined) want("orders", [], orders)
  for (const reason of expected.also ?? [])
    if (!failing.includes(reason)) problems.push(`${reason} is not among the reasons: ${failing.join(", ")}`)
  for (const text of expected.says ?? [])
    if (!said.includes(text)) problems.push(`nobody said "${text}":\n${said}`)
  if (expected.mode !== undefined) want("the mode", expected.mode, mode)
  if (expected.observed !== undefined) want("what was observed", expected.observed, observed)
  if (expected.writes !== undefined) want("entries written", 0, written)
  return problems
}
