import { cleanText } from "../inputs/foreign-text.ts"
import { includesId } from "../inputs/id.ts"
import { presentServers } from "../inputs/supernode.ts"
import { moneyOf } from "../policy/money.ts"
import type { Policy } from "../policy/policy.ts"
import type { OpenAttempt } from "../state/attempt.ts"
import type { OperatorCommand } from "../state/control.ts"
import { forgetHandledStarts, rememberHandledStarts } from "../state/handled-starts.ts"
import type { Observation } from "../state/observation.ts"
import type { Outcome, Rejected } from "../state/outcome.ts"
import type { SupernodeState } from "../state/state.ts"
import type { ChainEvent } from "./ledger-event.ts"
import { foldRejection, REFUSAL_FREE } from "./rejection.ts"
import {
  prune,
  rememberBlindness,
  rememberCompletion,
  rememberDecision,
  rememberEffect,
  rememberNotification,
  rememberServers,
} from "./remember.ts"
import { rememberPolicy } from "./remember-policy.ts"
import { rememberSignal } from "./remember-signal.ts"

/** The standing after one more entry. */
export function fold(standing: SupernodeState, event: ChainEvent): SupernodeState {
  const next = foldKind(rememberPolicy(rememberSignal(standing, event), event), event)
  return prune(next, event)
}

function foldKind(standing: SupernodeState, event: ChainEvent): SupernodeState {
  switch (event.kind) {
    case "decided":
      return rememberDecision(rememberServers(standing, event), event)
    case "opened":
      return foldOpened(rememberDecision(rememberServers(standing, event), event), event)
    case "settled":
      return event.outcome ? foldOutcome(standing, event.outcome, event) : standing
    case "observed":
      return event.observation ? foldObservation(standing, event.observation, event) : standing
    case "said":
      return event.said ? foldCommand(standing, event.said, event.at) : standing
    default:
      return event.kind satisfies never
  }
}

function foldOpened(standing: SupernodeState, event: ChainEvent): SupernodeState {
  const { attempt: opened, plan, decision, situation, seq, run } = event
  if (!opened || !plan || !decision?.target) return standing
  const { latching: named, ...attempt } = opened
  const { id, openedAt } = attempt
  const cost = plan.cost && moneyOf(plan.cost)
  const { rules } = decision.target
  const latching = named ?? latchingRules(situation?.policy, rules)
  const before =
    situation?.supernode.state === "read"
      ? presentServers(situation.supernode.value).map((server) => server.id)
      : []
  const open: OpenAttempt = {
    ...attempt,
    run,
    seq,
    state: "open",
    says: "is open: it was or is being sent",
    acceptedAt: null,
    flavor: plan.flavor,
    from: plan.from,
    to: plan.to,
    cost,
    before,
    orderId: null,
    rules,
    latching,
    ...(decision.target.schedules ? { schedules: decision.target.schedules } : {}),
    ...(decision.target.cause ? { cause: decision.target.cause } : {}),
  }
  return {
    ...rememberHandledStarts(standing, open),
    attempt: open,
    openedAt: Math.max(openedAt, approvedAt(event)),
    newestAttempt: id,
    purchases: [...standing.purchases, { attempt: id, at: openedAt, cost, state: "reserved" }],
    latches: { ...standing.latches, ...latchesOf(open) },
  }
}

/** The newest approval that this attempt uses up; another clock may have dated it later than the attempt. */
function approvedAt({ plan, situation }: ChainEvent): number {
  const approvals = situation?.control.state === "read" ? situation.control.value.approvals : []
  return Math.max(0, ...approvals.filter(({ planHash }) => planHash === plan?.hash).map(({ at }) => at))
}

function foldOutcome(standing: SupernodeState, outcome: Outcome, event: ChainEvent): SupernodeState {
  const { attempt } = standing
  if (attempt && attempt.id === event.attempt?.id) return foldAnswer(standing, { attempt, outcome, event })
  const absent = standing.absent.find(({ id }) => id === event.attempt?.id)
  return absent ? foldLateAnswer(standing, { attempt: absent, outcome, event }) : standing
}

interface Answer {
  attempt: OpenAttempt
  outcome: Outcome
  event: ChainEvent
}

function foldAnswer(standing: SupernodeState, { attempt, outcome, event }: Answer): SupernodeState {
  switch (outcome.kind) {
    case "accepted": {
      const says = "was accepted and is being provisioned"
      const accepted = {
        ...attempt,
        state: "accepted" as const,
        says,
        acceptedAt: event.at,
        orderId: outcome.orderId,
      }
      const { [attempt.flavor]: _free, ...blocked } = standing.blocked
      return { ...book(standing, attempt), attempt: accepted, blocked, throttle: null }
    }
    case "rejected":
      return refuse(release(standing, attempt), { attempt, outcome, event })
    case "not-sent":
      return release(standing, attempt)
    case "unknown": {
      // Somebody may have found out in the meantime; not knowing takes that back from nobody.
      if (attempt.state !== "open" && attempt.state !== "unknown") return standing
      const says = `has an unknown outcome: ${outcome.says}`
      return { ...standing, attempt: { ...attempt, state: "unknown", says } }
    }
    default:
      return outcome satisfies never
  }
}

/** The answer of an attempt that a person had settled as absent. */
function foldLateAnswer(standing: SupernodeState, { attempt, outcome, event }: Answer): SupernodeState {
  const others = standing.absent.filter(({ id }) => id !== attempt.id)
  switch (outcome.kind) {
    case "accepted": {
      const says = "was settled as absent, and the cloud accepted it after all"
      const late = { ...attempt, orderId: outcome.orderId, acceptedAt: event.at }
      const booked = { ...book(standing, attempt), absent: others }
      // Its money counts at once; while another attempt is in the way, observe() brings it up afterwards.
      return standing.attempt === null
        ? { ...booked, attempt: { ...late, state: "wrong", says } }
        : { ...booked, absent: [...others, late] }
    }
    case "rejected":
      return refuse({ ...standing, absent: others }, { attempt, outcome, event })
    case "not-sent":
      return { ...standing, absent: others }
    case "unknown":
      return standing
    default:
      return outcome satisfies never
  }
}

function refuse(
  standing: SupernodeState,
  { attempt, outcome, event }: Answer & { outcome: Rejected },
): SupernodeState {
  const policyHash = event.policyHash ?? ""
  return foldRejection(standing, { attempt, rejected: outcome, at: event.at, policyHash })
}

function foldObservation(
  standing: SupernodeState,
  observation: Observation,
  event: ChainEvent,
): SupernodeState {
  const { kind, says, at } = observation
  if (kind === "telling" || kind === "not-told" || kind === "told")
    return rememberNotification(standing, observation, event.at)
  if (kind === "blind") return rememberBlindness(standing, observation)
  if (kind === "order") return observation.order ? { ...standing, order: observation.order } : standing
  if (kind === "effect") return rememberEffect(standing, observation)
  // It was never opened: nothing is remembered of it but that its place is taken.
  if (kind === "lapsed") return standing
  const listed = observation.present ?? standing.servers ?? []
  if (kind === "out-of-band") {
    const arrived = observation.servers.some((id) => includesId(listed, id))
    return {
      ...standing,
      servers: listed,
      foreignAt: arrived ? Math.max(standing.foreignAt ?? at, at) : standing.foreignAt,
    }
  }
  const attempt = [standing.attempt, ...standing.absent].find((one) => one?.id === observation.attempt)
  if (!attempt) return standing
  switch (kind) {
    case "completed":
      return complete(standing, { attempt, at, servers: listed, newServers: observation.servers })
    case "accepted":
      return {
        ...book(standing, attempt),
        attempt: { ...attempt, state: "accepted", says, acceptedAt: event.at },
      }
    case "unknown":
    case "stuck":
    case "partial":
      return { ...standing, attempt: { ...attempt, state: kind, says } }
    case "wrong":
      return {
        ...book(standing, attempt),
        attempt: { ...attempt, state: "wrong", says },
        absent: standing.absent.filter(({ id }) => id !== attempt.id),
      }
    default:
      return kind satisfies never
  }
}

/** Of an operator's words in the state; the entry keeps them whole. */
const MAX_WORD_CHARS = 300

function foldCommand(standing: SupernodeState, said: OperatorCommand, at: number): SupernodeState {
  const { attempt } = standing
  if (said.verb === "reset") {
    const { policyChanges: _over, ...others } = standing
    return { ...others, ...REFUSAL_FREE, servers: null, ...(standing.effects ? { effects: [] } : {}) }
  }
  if (said.verb !== "settle" || !attempt || attempt.id !== said.attempt) return standing
  const word = cleanText(`by ${said.by}: ${said.why}`, MAX_WORD_CHARS)
  switch (said.as) {
    case "accepted":
      return {
        ...book(standing, attempt),
        attempt: { ...attempt, state: "accepted", says: `was settled as accepted ${word}`, acceptedAt: at },
      }
    case "completed": {
      const servers = said.servers ?? standing.servers ?? attempt.before
      return complete(standing, {
        attempt,
        at,
        servers,
        newServers: servers.filter((id) => !includesId(attempt.before, id)),
      })
    }
    case "absent":
      return {
        ...release(standing, attempt),
        // What is there now is not its doing: only what comes later can show that it happened after all.
        absent: [
          ...standing.absent,
          { ...attempt, acceptedAt: null, before: said.servers ?? attempt.before },
        ],
        servers: said.servers ?? standing.servers,
      }
    default:
      return said.as satisfies never
  }
}

interface Completion {
  attempt: OpenAttempt
  at: number
  servers: string[]
  newServers: string[]
}

function complete(
  standing: SupernodeState,
  { attempt, at, servers, newServers }: Completion,
): SupernodeState {
  // What this purchase brought is not the doing of one that was settled as absent.
  const absent = standing.absent.map((one) => ({
    ...one,
    before: [...new Set([...one.before, ...newServers])],
  }))
  const booked = { ...book(standing, attempt), attempt: null, completedAt: at, servers, newServers, absent }
  return rememberCompletion(booked, attempt, at)
}

/** The money is spent: reserved, or given back before, it counts from now on as booked. */
function book(standing: SupernodeState, attempt: OpenAttempt): SupernodeState {
  const { id, openedAt, cost } = attempt
  const others = standing.purchases.filter((purchase) => purchase.attempt !== id)
  const wasReleased = others.length === standing.purchases.length
  return {
    ...(wasReleased ? rememberHandledStarts(standing, attempt) : standing),
    purchases: [...others, { attempt: id, at: openedAt, cost, state: "booked" }],
    latches: wasReleased ? { ...standing.latches, ...latchesOf(attempt) } : standing.latches,
  }
}

/** Of these rules, the ones that a purchase latches. */
export function latchingRules(policy: Pick<Policy, "rules"> | undefined, rules: readonly string[]): string[] {
  const once = (policy?.rules ?? []).filter((rule) => !rule.repeat && rules.includes(rule.name))
  return once.map((rule) => rule.name)
}

/** A rule with `repeat: false` whose proposal was bought rests until its metric is clear. */
function latchesOf({ latching, openedAt }: OpenAttempt): Record<string, number> {
  return Object.fromEntries(latching.map((rule) => [rule, openedAt]))
}

/** Nothing was bought: no action, no budget, no cooldown, no latch, and no schedule has acted. */
function release(standing: SupernodeState, { id, openedAt }: OpenAttempt): SupernodeState {
  return {
    ...forgetHandledStarts(standing, { id }),
    attempt: null,
    purchases: standing.purchases.filter((purchase) => purchase.attempt !== id),
    latches: Object.fromEntries(Object.entries(standing.latches).filter(([, at]) => at !== openedAt)),
  }
}
