import type { Said } from "./control.ts"
import type { Decision } from "./decision.ts"
import { moneyOf } from "./money.ts"
import type { Outcome, Rejected } from "./outcome.ts"
import { own } from "./own.ts"
import type { ScaleUpPlan } from "./plan.ts"
import { foldRejection, REFUSAL_FREE } from "./refusals.ts"
import type { Signal } from "./signal.ts"
import type { Situation } from "./situation.ts"
import type { AttemptRecord, Observation, Standing, StandingAttempt } from "./standing.ts"
import { presentServers } from "./supernode.ts"

/** What the fold needs of an entry; every draft of a supernode's stream is one. */
export interface ChainEvent {
  kind: "decided" | "opened" | "settled" | "observed" | "said"
  seq: number
  at: number
  run: string
  signal?: Signal
  policyHash?: string
  decision?: Decision
  situation?: Omit<Situation, "standing">
  plan?: ScaleUpPlan
  attempt?: AttemptRecord
  outcome?: Outcome
  observation?: Observation
  said?: Said
}

/** Signals are remembered this long: longer than any may be fresh, and than an Alertmanager id stays the same. */
const KEEP_SIGNALS_MS = 2 * 3_600_000
/** A person's request carries its own id and may be sent again much later. */
const KEEP_REQUESTS_MS = 7 * 86_400_000
const KEEP_EPISODES_MS = 7 * 86_400_000
/** Longer than any window that counts purchases (at most 366 days). */
const KEEP_PURCHASES_MS = 400 * 86_400_000

/** The standing after one more entry. */
export function fold(standing: Standing, event: ChainEvent): Standing {
  const next = foldKind(rememberPolicy(rememberSignal(standing, event), event), event)
  return prune(next, event.at)
}

function foldKind(standing: Standing, event: ChainEvent): Standing {
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
      return event.said ? foldSaid(standing, event.said, event.at) : standing
    default:
      return event.kind satisfies never
  }
}

function rememberSignal(standing: Standing, { signal, run, seq, at, kind }: ChainEvent): Standing {
  // What a run merely noticed on its way is no result that a repeated signal could be answered with.
  if (!signal || kind === "observed" || own(standing.signals, signal.id)) return standing
  const keepUntil = at + (signal.kind === "request" ? KEEP_REQUESTS_MS : KEEP_SIGNALS_MS)
  return {
    ...rememberEpisode(standing, signal),
    signals: { ...standing.signals, [signal.id]: { run, seq, at, keepUntil } },
  }
}

/** An older OK closes no newer episode, an older ALARM reopens no closed one, insufficient data does neither. */
function rememberEpisode(standing: Standing, signal: Signal): Standing {
  if (signal.kind !== "alarm" || (signal.state !== "alarm" && signal.state !== "ok")) return standing
  const { key, startsAt } = signal.episode
  const { openedAt, closedAt } = own(standing.episodes, key) ?? { openedAt: null, closedAt: null }
  const isOpen = openedAt !== null && (closedAt === null || closedAt < openedAt)
  const episode =
    signal.state === "ok"
      ? { openedAt, closedAt: Math.max(closedAt ?? signal.at, signal.at) }
      : {
          openedAt: isOpen || signal.at < (closedAt ?? -Infinity) ? openedAt : (startsAt ?? signal.at),
          closedAt,
        }
  return { ...standing, episodes: { ...standing.episodes, [key]: episode } }
}

function rememberPolicy(standing: Standing, { policyHash, at }: ChainEvent): Standing {
  if (policyHash === undefined || standing.policySeen?.hash === policyHash) return standing
  return { ...standing, policySeen: { hash: policyHash, since: at } }
}

function rememberDecision(standing: Standing, { decision, at }: ChainEvent): Standing {
  if (!decision) return standing
  const { kind, heldBy, target, cleared } = decision
  const latches = Object.fromEntries(
    Object.entries(standing.latches).filter(([rule]) => !cleared.includes(rule)),
  )
  return { ...standing, latches, lastDecision: { at, kind, heldBy, to: target?.to ?? null } }
}

/** The first look at the servers: from here on, what is not among them came later. */
function rememberServers(standing: Standing, { situation, at }: ChainEvent): Standing {
  if (
    standing.servers !== null ||
    situation?.supernode.state !== "read" ||
    situation.supernode.value.servers === null
  )
    return standing
  const servers = presentServers(situation.supernode.value)
  const created = servers.map((server) => server.createAt ?? at)
  return {
    ...standing,
    servers: servers.map((server) => server.id),
    foreignAt: created.length > 0 ? Math.max(...created) : null,
  }
}

function foldOpened(standing: Standing, event: ChainEvent): Standing {
  const { attempt, plan, decision, situation, seq, run } = event
  if (!attempt || !plan || !decision?.target) return standing
  const { id, openedAt } = attempt
  const cost = plan.cost && moneyOf(plan.cost)
  const { rules } = decision.target
  const latching = (situation?.policy.rules ?? []).filter((rule) => !rule.repeat && rules.includes(rule.name))
  const before =
    situation?.supernode.state === "read"
      ? presentServers(situation.supernode.value).map((server) => server.id)
      : []
  const open: StandingAttempt = {
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
  }
  return {
    ...standing,
    attempt: open,
    openedAt,
    absent: null,
    purchases: [...standing.purchases, { attempt: id, at: openedAt, cost, state: "reserved" }],
    latches: { ...standing.latches, ...Object.fromEntries(latching.map((rule) => [rule.name, openedAt])) },
  }
}

function foldOutcome(standing: Standing, outcome: Outcome, event: ChainEvent): Standing {
  const { attempt, absent } = standing
  if (outcome.kind === "accepted" && absent && absent.id === event.attempt?.id) {
    // A person said it never happened, and then its answer came: it did.
    const says = "was settled as absent, and the cloud accepted it after all"
    return {
      ...book(standing, absent),
      attempt: { ...absent, state: "wrong", says, orderId: outcome.orderId },
      absent: null,
    }
  }
  if (!attempt || attempt.id !== event.attempt?.id) return standing
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
      return foldRejection(release(standing, attempt), {
        attempt,
        rejected: outcome satisfies Rejected,
        at: event.at,
        policyHash: event.policyHash ?? "",
      })
    case "not-sent":
      return release(standing, attempt)
    case "unknown":
      return {
        ...standing,
        attempt: { ...attempt, state: "unknown", says: `has an unknown outcome: ${outcome.says}` },
      }
    default:
      return outcome satisfies never
  }
}

function foldObservation(standing: Standing, observation: Observation, event: ChainEvent): Standing {
  const { kind, says, at } = observation
  const listed = observation.present ?? standing.servers ?? []
  if (kind === "out-of-band") {
    const arrived = observation.servers.some((id) => listed.includes(id))
    return {
      ...standing,
      servers: listed,
      foreignAt: arrived ? Math.max(standing.foreignAt ?? at, at) : standing.foreignAt,
    }
  }
  const attempt = standing.attempt ?? standing.absent
  if (!attempt || attempt.id !== observation.attempt) return standing
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
      return { ...book(standing, attempt), attempt: { ...attempt, state: "wrong", says }, absent: null }
    default:
      return kind satisfies never
  }
}

function foldSaid(standing: Standing, said: Said, at: number): Standing {
  const { attempt } = standing
  if (said.verb === "reset") return { ...standing, ...REFUSAL_FREE, servers: null }
  if (said.verb !== "settle" || !attempt || attempt.id !== said.attempt) return standing
  const word = `by ${said.by}: ${said.why}`
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
        newServers: servers.filter((id) => !attempt.before.includes(id)),
      })
    }
    case "absent":
      return { ...release(standing, attempt), absent: attempt, servers: said.servers ?? standing.servers }
    default:
      return said.as satisfies never
  }
}

interface Completion {
  attempt: StandingAttempt
  at: number
  servers: string[]
  newServers: string[]
}

function complete(standing: Standing, { attempt, at, servers, newServers }: Completion): Standing {
  return { ...book(standing, attempt), attempt: null, completedAt: at, servers, newServers, absent: null }
}

/** The money is spent: reserved, or given back before, it counts from now on as booked. */
function book(standing: Standing, { id, openedAt, cost }: StandingAttempt): Standing {
  const others = standing.purchases.filter((purchase) => purchase.attempt !== id)
  return { ...standing, purchases: [...others, { attempt: id, at: openedAt, cost, state: "booked" }] }
}

/** Nothing was bought: no action, no budget, no cooldown, no latch. */
function release(standing: Standing, { id, openedAt }: StandingAttempt): Standing {
  return {
    ...standing,
    attempt: null,
    purchases: standing.purchases.filter((purchase) => purchase.attempt !== id),
    latches: Object.fromEntries(Object.entries(standing.latches).filter(([, at]) => at !== openedAt)),
  }
}

function prune(standing: Standing, now: number): Standing {
  return {
    ...standing,
    signals: pick(standing.signals, ({ keepUntil }) => keepUntil > now),
    episodes: pick(
      standing.episodes,
      ({ openedAt, closedAt }) => Math.max(openedAt ?? 0, closedAt ?? 0) > now - KEEP_EPISODES_MS,
    ),
    purchases: standing.purchases.filter(({ at }) => at > now - KEEP_PURCHASES_MS),
    blocked: pick(standing.blocked, ({ until }) => until > now - KEEP_EPISODES_MS),
  }
}

function pick<T>(record: Record<string, T>, keep: (value: T) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => keep(value)))
}
