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

/** What the cloud and the meters show of one supernode now. */
export interface CloudLook {
  supernode: Fetched<Supernode>
  readings: Fetched<Reading[]>
  offers: Fetched<Offer[]>
  /** The cloud's clock minus ours, milliseconds; null without an answer that names a time. */
  cloudSkewMs: number | null
  /** That time, epoch milliseconds. */
  cloudDate: number | null
}

export const NOT_LOOKED: CloudLook = {
  supernode: NOT_FETCHED,
  readings: NOT_FETCHED,
  offers: NOT_FETCHED,
  cloudSkewMs: null,
  cloudDate: null,
}

/** Why the cloud cannot be asked at all, in a sentence; null where it can. */
export async function whyNotAsked(app: App): Promise<string | null> {
  return app.checkKeys().then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
}

/** Reads what a dry run reads. Buys nothing, never throws. */
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

/** The servers and their place on the ladder. */
export interface ServersState {
  /** Of the supernode, as the cloud writes it. */
  status: string
  /** Servers by their status, DELETED ones left out. */
  byStatus: Record<string, number>
  count: number
}

export interface RungState extends Pick<Rung, "servers" | "flavor"> {
  /** 1 is the smallest. */
  number: number
  of: number
}

/** What one rule's meter says now. */
export interface RuleLoad {
  rule: string
  /** `cloud-eye`, `prometheus`, `cloudwatch`, `alarm`. */
  source: string
  /** The newest value that counts; null: none of the periods has one. */
  value: number | null
  /** End of that value's period, epoch milliseconds. */
  at: number | null
  verdict: "breaching" | "not-breaching" | "missing-data" | "latched" | "off"
  says: string
  /** Why data is missing; null where none is. */
  problem: string | null
}

export function serversOf({ supernode }: CloudLook): ServersState | null {
  if (supernode.state !== "read" || supernode.value.servers === null) return null
  const present = presentServers(supernode.value)
  const counts = new Map<string, number>()
  for (const { status } of present) counts.set(status, (counts.get(status) ?? 0) + 1)
  return { status: supernode.value.status, byStatus: Object.fromEntries(counts), count: present.length }
}

/** null where no rung has that many servers. */
export function rungOf({ ladder }: Policy, { count }: ServersState): RungState | null {
  const index = rungWith(ladder, count)
  const rung = ladder[index]
  return rung ? { number: index + 1, of: ladder.length, flavor: rung.flavor, servers: rung.servers } : null
}

/** Each rule as the evidence gate weighs it; empty where the meters were not asked. */
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

/** What could not be read, and why. */
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
      ? [{ source: "supernode", why: "the answer has no list of servers" }]
      : []),
    ...(offers.state === "unreadable" ? [{ source: "offers", why: offers.why }] : []),
    ...load.flatMap(({ rule, problem }) => (problem === null ? [] : [{ source: rule, why: problem }])),
  ]
}
