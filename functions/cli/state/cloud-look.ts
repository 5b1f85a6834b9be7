import type { App } from "../../../lib/app/app.ts"
import { weighEvidence } from "../../../lib/decision/evidence/evidence.ts"
import { type Fetched, NOT_FETCHED } from "../../../lib/decision/inputs/fetched.ts"
import type { Reading } from "../../../lib/decision/inputs/reading.ts"
import { type Offer, presentServers, type Supernode } from "../../../lib/decision/inputs/supernode.ts"
import { rungWith } from "../../../lib/decision/ladder/current-rung.ts"
import { sayRule } from "../../../lib/decision/ladder/demand.ts"
import { METRIC_SOURCES } from "../../../lib/decision/policy/choices.ts"
import type { Policy, Rung } from "../../../lib/decision/policy/policy.ts"
import type { Situation } from "../../../lib/decision/situation.ts"
import type { Cloud, Read } from "../../../lib/ports.ts"

/** Present data of one supernode from the cloud and the meters. */
export interface CloudLook {
  supernode: Fetched<Supernode>
  readings: Fetched<Reading[]>
  offers: Fetched<Offer[]>
  /** The cloud's clock minus ours, milliseconds; `null` if no response has a `Date`. */
  cloudSkewMs: number | null
  /** That `Date`, epoch milliseconds; `null` without one. */
  cloudDate: number | null
}

export const NOT_LOOKED: CloudLook = {
  supernode: NOT_FETCHED,
  readings: NOT_FETCHED,
  offers: NOT_FETCHED,
  cloudSkewMs: null,
  cloudDate: null,
}

/** Reason why the cloud cannot be read at all, as a sentence; `null` if it can. */
export async function whyNotAsked(app: App): Promise<string | null> {
  return app.checkKeys().then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
}

/** Reads the same data as a dry run. Buys nothing, never throws. */
export async function lookAtCloud(cloud: Cloud, policy: Policy, now: number): Promise<CloudLook> {
  const [read, offers] = await Promise.all([cloud.readSupernode(policy), cloud.readOffers(policy)])
  const signal = { kind: "tick", id: "status", name: "status", at: now } as const
  const readings = read.ok
    ? await cloud.readMetrics({ policy, supernode: read.value, signal, now })
    : undefined
  return {
    supernode: fetched(read),
    readings: readings ? { state: "read", value: readings } : NOT_FETCHED,
    offers: fetched(offers),
    cloudSkewMs: read.skewMs ?? null,
    cloudDate: read.date ?? null,
  }
}

function fetched<T>(read: Read<T>): Fetched<T> {
  return read.ok
    ? { state: "read", value: read.value }
    : { state: "unreadable", why: read.why, credentials: read.credentials }
}

/** Status of the supernode, and its servers. */
export interface ServersState {
  /** Status of the supernode, as the cloud writes it. */
  status: string
  /** Number of servers by their status, without DELETED ones. */
  byStatus: Record<string, number>
  count: number
}

export interface RungState extends Pick<Rung, "servers" | "flavor"> {
  /** Position on the ladder; 1 is the smallest rung. */
  number: number
  of: number
}

/** Present load by one rule's meter. */
export interface RuleLoad {
  rule: string
  /** `cloud-eye`, `prometheus`, `cloudwatch`, `alarm`. */
  source: string
  /** The newest value that counts; `null` if no period has one. */
  value: number | null
  /** End of that value's period, epoch milliseconds; `null` without a value. */
  at: number | null
  verdict: "breaching" | "not-breaching" | "missing-data" | "latched" | "off"
  says: string
  /** Reason why data is missing; `null` if none is missing. */
  problem: string | null
}

export function serversOf({ supernode }: CloudLook): ServersState | null {
  if (supernode.state !== "read" || supernode.value.servers === null) return null
  const present = presentServers(supernode.value)
  const counts = new Map<string, number>()
  for (const { status } of present) counts.set(status, (counts.get(status) ?? 0) + 1)
  return { status: supernode.value.status, byStatus: Object.fromEntries(counts), count: present.length }
}

/** The rung with this number of servers; `null` if there is none. */
export function rungOf({ ladder }: Policy, { count }: ServersState): RungState | null {
  const index = rungWith(ladder, count)
  const rung = ladder[index]
  return rung ? { number: index + 1, of: ladder.length, flavor: rung.flavor, servers: rung.servers } : null
}

/** Load by rule, as the evidence gate weighs it; empty if the meters were not read. */
export function loadOf(situation: Situation): RuleLoad[] {
  const { supernode, readings, policy } = situation
  if (supernode.state !== "read" || readings.state !== "read") return []
  const weighed = weighEvidence(situation, readings.value, presentServers(supernode.value))
  return weighed.map((evidence): RuleLoad => {
    const { rule, points, verdict, problem } = evidence
    const metric = policy.rules.find(({ name }) => name === rule)?.metric
    const newest = points.find(({ value }) => value !== null)
    const periodMs = readings.value.find((reading) => reading.rule === rule)?.periodMs ?? 0
    return {
      rule,
      source: METRIC_SOURCES.find((one) => metric?.[one] !== undefined) ?? "alarm",
      value: newest?.value ?? null,
      at: newest ? newest.at + periodMs : null,
      verdict,
      says: sayRule(evidence, policy),
      problem,
    }
  })
}

/** A source that could not be read, and the reason. */
export interface UnreadSource {
  /** `supernode`, `offers`, or a rule's name. */
  source: string
  why: string
}

export function unreadOf(look: CloudLook, load: readonly RuleLoad[]): UnreadSource[] {
  const { supernode, offers } = look
  return [
    ...(supernode.state === "unreadable" ? [{ source: "supernode", why: supernode.why }] : []),
    ...(supernode.state === "read" && supernode.value.servers === null
      ? [{ source: "supernode", why: "the response has no list of servers" }]
      : []),
    ...(offers.state === "unreadable" ? [{ source: "offers", why: offers.why }] : []),
    ...load.flatMap(({ rule, problem }) => (problem === null ? [] : [{ source: rule, why: problem }])),
  ]
}
