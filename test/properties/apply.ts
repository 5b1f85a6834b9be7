import { decide } from "../../lib/decision/decide.ts"
import type { Change, ValueBound } from "../../lib/decision/explain/change.ts"
import { newestPeriods, type Reading, type Series } from "../../lib/decision/inputs/reading.ts"
import { presentServers } from "../../lib/decision/inputs/supernode.ts"
import type { Policy, Rule, Rung } from "../../lib/decision/policy/policy.ts"
import type { Situation } from "../../lib/decision/situation.ts"
import { foldControl, NO_CONTROL, type OperatorCommand } from "../../lib/decision/state/control.ts"
import { fold } from "../../lib/decision/transitions/fold.ts"
import type { ChainEvent } from "../../lib/decision/transitions/ledger-event.ts"
import { digest } from "../../lib/digest.ts"
import { DAY, HOUR, MINUTE, read, serverOf, supernodeOf } from "../decision/builders.ts"

// Applies a "why not" hint: by the fold if it is a command or an outcome, by hand if it is a change of the
// environment. It shares no arithmetic with the code that finds the hints.

export function applied(so: Situation, change: Change): Situation {
  switch (change.kind) {
    case "all":
      return change.changes.reduce(applied, so)
    case "wait":
      return { ...so, now: Math.max(so.now, change.until) }
    case "points":
      return withPoints(so, change)
    case "clear":
      return withClear(so, change)
    case "person":
      return withWord(so, change)
    case "policy":
      return { ...so, policy: withKey(so.policy, change.path, change.value) }
    case "rung":
      return { ...so, policy: { ...so.policy, ladder: withRung(so.policy.ladder, change.servers) } }
    case "cloud":
      return withCloud(so, change)
    case "attempt":
      return folded(so, endOf(so, change))
    case "effect": {
      const effects = (so.state.effects ?? []).map((one) =>
        one.attempt === change.attempt ? { ...one, after: 0, gain: change.gain } : one,
      )
      return { ...so, now: Math.max(so.now, change.from), state: { ...so.state, effects } }
    }
    case "clock": {
      const now = so.now + change.byMs
      return { ...so, now: Math.max(now, change.until ?? now), cloudSkewMs: 0 }
    }
    case "signal":
      return withSignal(so, change)
    case "settings":
      throw new TypeError("no situation has settings")
    default:
      return change satisfies never
  }
}

function folded(so: Situation, event: Partial<ChainEvent> & Pick<ChainEvent, "kind">): Situation {
  const full = { seq: 99, at: so.now, run: "another", policyHash: so.policyHash, ...event }
  return { ...so, state: fold(so.state, full) }
}

function said(so: Situation, command: OperatorCommand): Situation {
  return folded(so, { kind: "said", said: command })
}

type Of<K extends Change["kind"]> = Extract<Change, { kind: K }>

function withWord(so: Situation, change: Of<"person">): Situation {
  const who = { why: "seen to", by: "carol" }
  const control = so.control.state === "read" ? so.control.value : NO_CONTROL
  switch (change.verb) {
    case "settle": {
      const servers =
        so.supernode.state === "read" ? presentServers(so.supernode.value).map(({ id }) => id) : null
      return said(so, { verb: "settle", attempt: change.attempt, as: "completed", servers, ...who })
    }
    case "reset":
      // A reset is dated by the present clock, whatever the time of the newest entry.
      return { ...said(so, { verb: "reset", ...who }), headAt: so.now }
    case "resume": {
      const lifted = foldControl(control, { verb: "resume", supernode: change.supernode, ...who }, so.now)
      return { ...so, control: read(lifted) }
    }
    case "approve": {
      const now = Math.max(so.now, (change.after ?? 0) + 1)
      const names = change.among.slice(0, change.count)
      const approved = names.reduce(
        (state, by) => foldControl(state, { verb: "approve", planHash: change.planHash, by }, now),
        control,
      )
      return { ...so, now, control: read(approved) }
    }
    case "dry-run":
      return so.signal.kind === "request"
        ? { ...so, signal: { ...so.signal, planHash: change.planHash ?? "sha256:unknown" } }
        : so
    case "ledger-init":
    case "ledger-restored":
    case "ledger-confirm":
      // Preconditions outside the gates give these; no change of a situation corresponds to them.
      return so
    default:
      return change satisfies never
  }
}

function endOf(
  so: Situation,
  { becomes, attempt: id }: Of<"attempt">,
): Partial<ChainEvent> & Pick<ChainEvent, "kind"> {
  const { attempt } = so.state
  if (!attempt) throw new TypeError("no attempt is there to end")
  if (becomes === "completed") {
    const about = { attempt: id, servers: ["s9"], present: ["s1", "s9"], at: so.now }
    return { kind: "observed", observation: { kind: "completed", says: "is complete", ...about } }
  }
  const { openedAt, sendBefore, deadline } = attempt
  return {
    kind: "settled",
    attempt: { id, openedAt, sendBefore, deadline },
    outcome: { kind: "not-sent", reason: "connect-failure", says: "nothing was sent" },
  }
}

function withSignal(so: Situation, change: Of<"signal">): Situation {
  const { signal } = so
  switch (change.what) {
    case "in-alarm":
      return signal.kind === "alarm" ? { ...so, signal: { ...signal, state: "alarm" } } : so
    case "newer":
      return withAnother(so, { ...signal, at: change.from })
    case "next":
      return {
        ...folded(so, { kind: "decided", decision: decide(withClocksRight(so), digest) }),
        signal: { ...signal, id: `${signal.id}-next` },
      }
    default:
      return change satisfies never
  }
}

/** Another signal: no earlier delivery is remembered. */
function withAnother({ asked: _earlier, ...so }: Situation, signal: Situation["signal"]): Situation {
  return { ...so, now: Math.max(so.now, signal.at), signal: { ...signal, id: `${signal.id}-newer` } }
}

function withKey(policy: Policy, path: string, value: string | number | boolean | null): Policy {
  const { limits, fleet } = policy
  const [top, key, last] = path.split(".")
  const minor = typeof value === "number" ? Math.round(value * 100) : 0
  switch (`${top}.${top === "ladder" || top === "rules" ? last : key}`) {
    case "limits.servers":
      return { ...policy, limits: { ...limits, servers: Number(value) } }
    case "limits.actions":
      return { ...policy, limits: { ...limits, actions: rateOf(value) } }
    case "fleet.actions":
      return { ...policy, fleet: { budget: null, ...fleet, actions: rateOf(value) } }
    case "limits.budget":
      return { ...policy, limits: { ...limits, budget: limits.budget && { ...limits.budget, minor } } }
    case "fleet.budget":
      return { ...policy, fleet: fleet && { ...fleet, budget: fleet.budget && { ...fleet.budget, minor } } }
    case "ladder.price": {
      const price = { minor: 100, currency: "CNY", per: "month" as const, periods: 1 }
      return {
        ...policy,
        ladder: policy.ladder.map((rung, i) => (i === Number(key) ? { ...rung, price } : rung)),
      }
    }
    case "rules.repeat":
      return {
        ...policy,
        rules: policy.rules.map((rule, i) => (i === Number(key) ? { ...rule, repeat: true } : rule)),
      }
    case "sold_out.undefined":
      return { ...policy, soldOut: "next-larger" }
    default:
      throw new TypeError(`the policy has no ${path}`)
  }
}

function rateOf(value: unknown): Policy["limits"]["actions"] {
  const [count, window = ""] = String(value).split(" per ")
  const unit = { s: 1000, m: MINUTE, h: HOUR, d: DAY }[window.slice(-1)] ?? Number.NaN
  return { count: Number(count), perMs: Number.parseInt(window, 10) * unit }
}

function withRung(ladder: Rung[], servers: number): Rung[] {
  return [...ladder, { flavor: `rung-${servers}`, servers, price: null }].sort(
    (a, b) => a.servers - b.servers,
  )
}

function withCloud(so: Situation, change: Of<"cloud">): Situation {
  const { supernode } = so
  const servers = (change_: (id: string) => boolean): Situation => {
    if (supernode.state !== "read") throw new TypeError("the supernode was not read")
    const running = (supernode.value.servers ?? []).map((one) =>
      change_(one.id) && one.status !== "DELETED" ? { ...one, status: "RUNNING" } : one,
    )
    return { ...so, supernode: read({ ...supernode.value, servers: running }) }
  }
  switch (change.what) {
    case "readable":
    case "keys":
      return withReadable(so, change)
    case "supernode-active":
      if (supernode.state !== "read") throw new TypeError("the supernode was not read")
      return { ...so, supernode: read({ ...supernode.value, status: "ACTIVE" }) }
    case "servers-settled":
      return servers((id) => change.servers.includes(id))
    case "server-running":
      return servers(() => true)
    case "listed":
    case "in-stock": {
      const others =
        so.offers.state === "read" ? so.offers.value.filter(({ flavor }) => flavor !== change.flavor) : []
      return { ...so, offers: read([...others, { flavor: change.flavor, soldOut: false }]) }
    }
    default:
      return change satisfies never
  }
}

/** Makes this source readable, with the best values. Metrics whose keys were refused become missing data. */
function withReadable(so: Situation, { of }: Extract<Of<"cloud">, { of: string }>): Situation {
  switch (of) {
    case "control":
      return { ...so, control: read(NO_CONTROL) }
    case "supernode": {
      const ids = new Set(["s1", ...(so.state.servers ?? []), ...(so.state.attempt?.before ?? [])])
      return { ...so, supernode: read(supernodeOf({ servers: [...ids].map((id) => serverOf(id)) })) }
    }
    case "offers":
      return { ...so, offers: read(so.policy.ladder.map(({ flavor }) => ({ flavor, soldOut: false }))) }
    case "metrics": {
      if (so.readings.state === "read") {
        const taken = so.readings.value.map(({ credentials: _refused, ...reading }) => reading)
        return { ...so, readings: read(taken) }
      }
      const readings = so.policy.rules.map((rule) => ({
        ...emptyReading(rule),
        series: [{ server: null, points: [] }],
      }))
      const [first] = so.policy.rules
      if (!first) throw new TypeError("a policy has a rule")
      // All servers are warm: only the readings are new.
      const warm = { ...so, readings: read(readings), state: { ...so.state, completedAt: null } }
      return written(warm, first, periodsOf(warm, first), badValue(first))
    }
    default:
      return of satisfies never
  }
}

// ---- points ----

function ruleOf({ policy }: Situation, name: string): Rule {
  const rule = policy.rules.find((one) => one.name === name)
  if (!rule) throw new TypeError(`no rule is called ${name}`)
  return rule
}

function emptyReading({ name, metric }: Rule): Reading {
  return { rule: name, periodMs: metric["cloud-eye"]?.period ?? 5 * MINUTE, series: [], problem: null }
}

function readingOf(so: Situation, rule: Rule): Reading {
  const found =
    so.readings.state === "read" ? so.readings.value.find((one) => one.rule === rule.name) : undefined
  return found ?? emptyReading(rule)
}

/** Starts of the N evaluated periods; an alarm's are as recent as possible. */
function periodsOf(so: Situation, rule: Rule): number[] {
  const periodMs = readingOf(so, rule).periodMs ?? 1
  if (rule.metric.alarm) return Array.from({ length: rule.points.n }, (_, i) => so.now - i * periodMs)
  return newestPeriods({ now: so.now, periodMs, lagMs: rule.metric.lag, count: rule.points.n })
}

interface Judged {
  at: number
  value: number | null
  state: string
  expected: number
}

/** The gate's verdict on each period, newest first. */
function evaluated(so: Situation, rule: string): Judged[] {
  const finding = decide(so, digest).findings.find(({ gate }) => gate === "evidence")
  const rules = finding?.facts["rules"]
  const found = Array.isArray(rules) ? rules.find((one) => one.rule === rule) : undefined
  return found?.points ?? []
}

function withPoints(so: Situation, { rule: name, count }: Of<"points">): Situation {
  const rule = ruleOf(so, name)
  const bad = badValue(rule)
  const isBad = ({ state, value }: Judged) => state === "real" && value !== null && isPast(rule, value)
  const points = evaluated(so, name)
  if (rule.metric.alarm)
    return written(so, rule, periodsOf(so, rule).slice(0, points.filter(isBad).length + count), bad)
  const open = points
    .filter((one) => !isBad(one) && one.state !== "early" && one.expected > 0)
    // Prefers points that are known not to breach: missing data may already count as breaching.
    .sort((a, b) => Number(a.state === "missing") - Number(b.state === "missing"))
    .map(({ at }) => at)
  // Without any reading no period was evaluated: then all are open.
  const slots = points.length === 0 ? periodsOf(so, rule) : open
  return written(so, rule, slots.slice(0, count), bad)
}

/** A latch clears only if clocks agree. The hint of another gate covers clocks that do not. */
function withClocksRight(so: Situation): Situation {
  return { ...so, cloudSkewMs: 0 }
}

/** Makes all N periods clear, after enough time for them, and records the decision that sees them. */
function withClear(so: Situation, { rule: name, level }: Of<"clear">): Situation {
  const rule = ruleOf(so, name)
  const later = { ...so, now: so.now + 101 * (readingOf(so, rule).periodMs ?? 1) + DAY }
  const clear = written(later, rule, periodsOf(later, rule), valueAt(level))
  const decision = decide(withClocksRight(clear), digest)
  return folded(clear, { kind: "decided", decision })
}

/** Sets the rule's metric at these starts, for every reporter; an alarm's new points replace the old ones. */
function written(so: Situation, rule: Rule, starts: number[], value: number): Situation {
  const reading = readingOf(so, rule)
  const fresh = starts.map((at) => ({ at, value }))
  const over = ({ server, points }: Series): Series => ({
    server,
    points: [...points.filter(({ at }) => !starts.includes(at)), ...fresh],
  })
  const servers = so.supernode.state === "read" ? presentServers(so.supernode.value).map(({ id }) => id) : []
  const ofSupernode = reading.series.find(({ server }) => server === null)
  const series = rule.metric.alarm
    ? [{ server: "s1", points: fresh }]
    : ofSupernode
      ? [over(ofSupernode)]
      : servers.map((server) =>
          over(reading.series.find((one) => one.server === server) ?? { server, points: [] }),
        )
  const others = so.readings.state === "read" ? so.readings.value.filter((one) => one.rule !== rule.name) : []
  return { ...so, readings: read([...others, { ...reading, series }]) }
}

function isPast({ compare, steps }: Rule, value: number): boolean {
  if (compare) return holds(compare.op, value, compare.value)
  const opensUp = steps.some(({ to }) => to === null)
  return steps.some(({ from, to }) => (opensUp ? value >= (from ?? -Infinity) : value < (to ?? Infinity)))
}

function holds(op: ValueBound["op"], value: number, bound: number): boolean {
  return { above: value > bound, at_least: value >= bound, below: value < bound, at_most: value <= bound }[op]
}

/** A value that just breaches: the mildest step. */
function badValue({ compare, steps }: Rule): number {
  if (compare) return valueAt({ op: compare.op, value: compare.value })
  const froms = steps.map(({ from }) => from ?? -Infinity)
  const tos = steps.map(({ to }) => to ?? Infinity)
  if (tos.includes(Infinity)) return Math.max(Math.min(...froms), -1e6)
  return Math.max(...tos) - 1e-6
}

function valueAt({ op, value }: ValueBound): number {
  const nudge = { above: 1e-6, at_least: 0, below: -1e-6, at_most: 0 }[op]
  return value + nudge
}
