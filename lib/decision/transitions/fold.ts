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
  forgetWitness,
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

/** The state after one more entry. */
export function fold(state: SupernodeState, event: ChainEvent): SupernodeState {
  const next = foldKind(rememberPolicy(rememberSignal(state, event), event), event)
  return prune(forgetWitness(next), event)
}

function foldKind(state: SupernodeState, event: ChainEvent): SupernodeState {
  switch (event.kind) {
    case "decided":
      return rememberDecision(rememberServers(state, event), event)
    case "opened":
      return foldOpened(rememberDecision(rememberServers(state, event), event), event)
    case "settled":
      return event.outcome ? foldOutcome(state, event.outcome, event) : state
    case "observed":
      return event.observation ? foldObservation(state, event.observation, event) : state
    case "said":
      return event.said ? foldCommand(state, event.said, event.at) : state
    default:
      return event.kind satisfies never
  }
}

function foldOpened(state: SupernodeState, event: ChainEvent): SupernodeState {
  const { attempt: opened, plan, decision, situation, seq, run } = event
  if (!opened || !plan || !decision?.target) return state
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
    ...rememberHandledStarts(state, open),
    attempt: open,
    openedAt: Math.max(openedAt, approvedAt(event)),
    newestAttempt: id,
    purchases: [...state.purchases, { attempt: id, at: openedAt, cost, state: "reserved" }],
    latches: { ...state.latches, ...latchesOf(open) },
  }
}

/**
 * Time of the newest approval that this attempt uses up; another clock may have dated it later than the
 * attempt.
 */
function approvedAt({ plan, situation }: ChainEvent): number {
  const approvals = situation?.control.state === "read" ? situation.control.value.approvals : []
  return Math.max(0, ...approvals.filter(({ planHash }) => planHash === plan?.hash).map(({ at }) => at))
}

function foldOutcome(state: SupernodeState, outcome: Outcome, event: ChainEvent): SupernodeState {
  const { attempt } = state
  if (attempt && attempt.id === event.attempt?.id) return foldAnswer(state, { attempt, outcome, event })
  const absent = state.absent.find(({ id }) => id === event.attempt?.id)
  return absent ? foldLateAnswer(state, { attempt: absent, outcome, event }) : state
}

interface AttemptAnswer {
  attempt: OpenAttempt
  outcome: Outcome
  event: ChainEvent
}

function foldAnswer(state: SupernodeState, { attempt, outcome, event }: AttemptAnswer): SupernodeState {
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
      const { [attempt.flavor]: _free, ...blocked } = state.blocked
      return { ...book(state, attempt), attempt: accepted, blocked, throttle: null }
    }
    case "rejected":
      return refuse(release(state, attempt), { attempt, outcome, event })
    case "not-sent":
      return release(state, attempt)
    case "unknown": {
      // The outcome may already be known. An unknown outcome must not overwrite it.
      if (attempt.state !== "open" && attempt.state !== "unknown") return state
      const says = `has an unknown outcome: ${outcome.says}`
      return { ...state, attempt: { ...attempt, state: "unknown", says } }
    }
    default:
      return outcome satisfies never
  }
}

/** Folds the outcome of an attempt that a person had settled as absent. */
function foldLateAnswer(state: SupernodeState, { attempt, outcome, event }: AttemptAnswer): SupernodeState {
  const others = state.absent.filter(({ id }) => id !== attempt.id)
  switch (outcome.kind) {
    case "accepted": {
      const says = "was settled as absent, and the cloud accepted it after all"
      const late = { ...attempt, orderId: outcome.orderId, acceptedAt: event.at }
      const booked = { ...book(state, attempt), absent: others }
      // Its money counts at once. While another attempt is in flight, reconcile() reports this one
      // afterwards.
      return state.attempt === null
        ? { ...booked, attempt: { ...late, state: "wrong", says } }
        : { ...booked, absent: [...others, late] }
    }
    case "rejected":
      return refuse({ ...state, absent: others }, { attempt, outcome, event })
    case "not-sent":
      return { ...state, absent: others }
    case "unknown":
      return state
    default:
      return outcome satisfies never
  }
}

function refuse(
  state: SupernodeState,
  { attempt, outcome, event }: AttemptAnswer & { outcome: Rejected },
): SupernodeState {
  const policyHash = event.policyHash ?? ""
  return foldRejection(state, { attempt, rejected: outcome, at: event.at, policyHash })
}

function foldObservation(state: SupernodeState, observation: Observation, event: ChainEvent): SupernodeState {
  const { kind, says, at } = observation
  if (kind === "telling" || kind === "not-told" || kind === "told")
    return rememberNotification(state, observation, event.at)
  if (kind === "blind") return rememberBlindness(state, observation)
  if (kind === "order") return observation.order ? { ...state, order: observation.order } : state
  if (kind === "witness") return observation.witness ? { ...state, witness: observation.witness } : state
  if (kind === "effect") return rememberEffect(state, observation)
  // The attempt was never opened: the state keeps nothing of it, but its position is used up.
  if (kind === "lapsed") return state
  const listed = observation.present ?? state.servers ?? []
  if (kind === "out-of-band") {
    const arrived = observation.servers.some((id) => includesId(listed, id))
    return {
      ...state,
      servers: listed,
      foreignAt: arrived ? Math.max(state.foreignAt ?? at, at) : state.foreignAt,
    }
  }
  const attempt = [state.attempt, ...state.absent].find((one) => one?.id === observation.attempt)
  if (!attempt) return state
  switch (kind) {
    case "completed":
      return complete(state, { attempt, at, servers: listed, newServers: observation.servers })
    case "accepted":
      return {
        ...book(state, attempt),
        attempt: { ...attempt, state: "accepted", says, acceptedAt: event.at },
      }
    case "unknown":
    case "stuck":
    case "partial":
      return { ...state, attempt: { ...attempt, state: kind, says } }
    case "wrong":
      return {
        ...book(state, attempt),
        attempt: { ...attempt, state: "wrong", says },
        absent: state.absent.filter(({ id }) => id !== attempt.id),
      }
    default:
      return kind satisfies never
  }
}

/** Limit of the settling operator's name and reason in the state, UTF-16 units; the entry keeps them whole. */
const MAX_BYLINE_CHARS = 300

function foldCommand(state: SupernodeState, command: OperatorCommand, at: number): SupernodeState {
  const { attempt } = state
  if (command.verb === "reset") {
    const { policyChanges: _over, ...others } = state
    return { ...others, ...REFUSAL_FREE, servers: null, ...(state.effects ? { effects: [] } : {}) }
  }
  if (command.verb !== "settle" || !attempt || attempt.id !== command.attempt) return state
  const byline = cleanText(`by ${command.by}: ${command.why}`, MAX_BYLINE_CHARS)
  switch (command.as) {
    case "accepted":
      return {
        ...book(state, attempt),
        attempt: { ...attempt, state: "accepted", says: `was settled as accepted ${byline}`, acceptedAt: at },
      }
    case "completed": {
      const servers = command.servers ?? state.servers ?? attempt.before
      return complete(state, {
        attempt,
        at,
        servers,
        newServers: servers.filter((id) => !includesId(attempt.before, id)),
      })
    }
    case "absent":
      return {
        ...release(state, attempt),
        // Servers that are present now are not from this attempt: only later ones can show that it was
        // accepted after all.
        absent: [
          ...state.absent,
          { ...attempt, acceptedAt: null, before: command.servers ?? attempt.before },
        ],
        servers: command.servers ?? state.servers,
      }
    default:
      return command.as satisfies never
  }
}

interface Completion {
  attempt: OpenAttempt
  at: number
  servers: string[]
  newServers: string[]
}

function complete(state: SupernodeState, { attempt, at, servers, newServers }: Completion): SupernodeState {
  // Servers of this purchase do not belong to an attempt that was settled as absent.
  const absent = state.absent.map((one) => ({
    ...one,
    before: [...new Set([...one.before, ...newServers])],
  }))
  const booked = { ...book(state, attempt), attempt: null, completedAt: at, servers, newServers, absent }
  return rememberCompletion(booked, attempt, at)
}

/** Books the money as spent, whether it was reserved or already released. */
function book(state: SupernodeState, attempt: OpenAttempt): SupernodeState {
  const { id, openedAt, cost } = attempt
  const others = state.purchases.filter((purchase) => purchase.attempt !== id)
  const wasReleased = others.length === state.purchases.length
  return {
    ...(wasReleased ? rememberHandledStarts(state, attempt) : state),
    purchases: [...others, { attempt: id, at: openedAt, cost, state: "booked" }],
    latches: wasReleased ? { ...state.latches, ...latchesOf(attempt) } : state.latches,
  }
}

/** The rules among these that a purchase latches. */
export function latchingRules(policy: Pick<Policy, "rules"> | undefined, rules: readonly string[]): string[] {
  const once = (policy?.rules ?? []).filter((rule) => !rule.repeat && rules.includes(rule.name))
  return once.map((rule) => rule.name)
}

/**
 * Latches of an attempt: a rule with `repeat: false` whose proposal was bought is inactive until its metric
 * clears.
 */
function latchesOf({ latching, openedAt }: OpenAttempt): Record<string, number> {
  return Object.fromEntries(latching.map((rule) => [rule, openedAt]))
}

/** Releases an attempt that bought nothing: no action, budget, cooldown, latch or schedule start is used up. */
function release(state: SupernodeState, { id, openedAt }: OpenAttempt): SupernodeState {
  return {
    ...forgetHandledStarts(state, { id }),
    attempt: null,
    purchases: state.purchases.filter((purchase) => purchase.attempt !== id),
    latches: Object.fromEntries(Object.entries(state.latches).filter(([, at]) => at !== openedAt)),
  }
}
