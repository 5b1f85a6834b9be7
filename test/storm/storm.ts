import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { type AuditedLedger, openLedger } from "../../lib/ledger/open.ts"
import type { Verification } from "../../lib/ledger/verify.ts"
import { Corridor, POLICY, SANDBOX, SUPERNODE_ID } from "../corridor/corridor.ts"
import { ANY_KEYS } from "../ledger/dynamodb/keys.ts"
import { initialised } from "../ledger/initialised.ts"
import { SandboxApart } from "../sandbox/apart.ts"
import { type Bundle, bundle } from "./bundle.ts"
import { countEnd, type Delivery, type Ends, type Kind } from "./deliveries.ts"
import { OwnProcess } from "./process.ts"

// Many deliveries at once over several processes that share nothing but a ledger and the real clock.

export type StoreName = "sqlite" | "dynamodb"

export interface StormOptions {
  bundle: Bundle
  store: StoreName
  deliveries: readonly Delivery[]
  processes: number
  /** How many deliveries one process handles at the same time. */
  lanes: number
  /** The answer to the purchase is lost: nobody knows whether it was taken. */
  answerIsLost?: boolean
  provisioningMs?: number
}

export interface Storm {
  ends: Ends
  delivered: number
  posts: number
  orders: number
  chain: Verification
  /** Signals that more than one run opened an attempt for; one that only held is decided again. */
  openedTwice: string[]
  tookMs: number
}

/** One rung more than one purchase reaches: nothing but our own rules stands in the way of a second one. */
const ROOMY = POLICY.replace(
  "    order:",
  "      - { flavor: kat3ne-64.768xlarge.matrix, servers: 8 }\n    order:",
)

export async function runStorm(options: StormOptions): Promise<Storm> {
  const { answerIsLost = false, provisioningMs = 10 * 60_000, deliveries } = options
  const place = await placeOf(options.store, provisioningMs)
  try {
    const { corridor, ledger } = place
    await corridor.sandbox.addOffer(SUPERNODE_ID, LARGEST)
    if (answerIsLost) await corridor.sandbox.failNext("scale-up", { reset: "after-effect" })
    const { ends, tookMs } = await deliverAll(options, corridor)
    await corridor.sandbox.look()
    return {
      ends,
      delivered: deliveries.length,
      posts: corridor.sandbox.scaleUps.length,
      orders: corridor.sandbox.orders.length,
      chain: await ledger.verify(STREAM),
      openedTwice: await signalsOpenedTwice(ledger),
      tookMs,
    }
  } finally {
    await place.close()
  }
}

const STREAM = `supernode:${SUPERNODE_ID}`
const LARGEST = { flavor: "kat3ne-64.768xlarge.matrix", servers: 8 }

/** Ends that are no accident, by kind of delivery. What came after the purchase may find it in flight, done or unknown. */
const AFTER = [
  "duplicate",
  "overtaken",
  "in-flight",
  "outcome-unknown",
  "not-breaching",
  "missing-data",
  "cooldown",
]
const KNOWN: Record<Kind, string[]> = {
  "same alarm": ["bought: accepted", "bought: unknown", ...AFTER],
  "told again": ["bought: accepted", "bought: unknown", "stale", ...AFTER],
  ok: ["not-alarm", "duplicate", "overtaken"],
  "insufficient data": ["not-alarm", "duplicate", "overtaken"],
  tick: ["bought: accepted", "bought: unknown", ...AFTER],
}

/** Everything that is wrong with how a storm ended. */
export function problemsOf({ ends, delivered, posts, orders, chain, openedTwice }: Storm): string[] {
  const rows = rowsOf(ends)
  const told = rows.reduce((sum, { count }) => sum + count, 0)
  const bought = rows.filter(({ end }) => end.startsWith("bought")).reduce((sum, { count }) => sum + count, 0)
  return [
    ...(posts === 1 ? [] : [`${posts} POSTs`]),
    ...(orders === 1 ? [] : [`${orders} orders`]),
    ...(bought === 1 ? [] : [`${bought} deliveries say that they bought`]),
    ...(told === delivered ? [] : [`${told} of ${delivered} deliveries said how they ended`]),
    ...rows
      .filter(({ kind, end }) => !KNOWN[kind].includes(end))
      .map(({ kind, end, count }) => `${count} × ${kind} ended as "${end}"`),
    ...(chain.ok ? [] : [`entry #${chain.seq} ${chain.problem}`]),
    ...openedTwice.map((id) => `${id} opened two attempts`),
  ]
}

async function deliverAll(
  { bundle, deliveries, processes, lanes }: StormOptions,
  corridor: Corridor<SandboxApart>,
): Promise<{ ends: Ends; tookMs: number }> {
  const started: OwnProcess[] = []
  try {
    for (let i = 0; i < processes; i++) {
      const file = join(corridor.folder, `deliveries-${i}.json`)
      writeFileSync(file, JSON.stringify(deliveries.filter((_, nth) => nth % processes === i)))
      started.push(new OwnProcess(bundle.file, [file, String(lanes)], corridor.settings()))
    }
    await Promise.all(started.map((one) => one.next()))
    const startedAt = performance.now()
    for (const one of started) one.tell("go")
    const all = (await Promise.all(started.map((one) => one.next()))) as Ends[]
    return { ends: sumOf(all), tookMs: performance.now() - startedAt }
  } finally {
    for (const one of started) one.signal("SIGKILL")
    await Promise.all(started.map((one) => one.ended))
  }
}

function sumOf(all: readonly Ends[]): Ends {
  const sum: Ends = {}
  for (const { kind, end, count } of all.flatMap(rowsOf)) countEnd(sum, { kind, end, count })
  return sum
}

function rowsOf(ends: Ends): { kind: Kind; end: string; count: number }[] {
  return Object.entries(ends).flatMap(([kind, ofKind]) =>
    Object.entries(ofKind).map(([end, count]) => ({ kind: kind as Kind, end, count })),
  )
}

/** Written once per signal id, whoever and how many it was delivered to. */
async function signalsOpenedTwice(ledger: AuditedLedger): Promise<string[]> {
  const seen = new Map<string, Set<string>>()
  for await (const { kind, signal, run } of ledger.read(STREAM)) {
    if (!signal || kind !== "opened") continue
    seen.set(signal.id, (seen.get(signal.id) ?? new Set()).add(run))
  }
  return [...seen].filter(([, runs]) => runs.size > 1).map(([id]) => id)
}

interface Place {
  corridor: Corridor<SandboxApart>
  ledger: AuditedLedger
  close(): Promise<void>
}

async function placeOf(store: StoreName, provisioningMs: number): Promise<Place> {
  const cloud = await SandboxApart.start({ ...SANDBOX, provisioningMs })
  if (store === "sqlite") {
    const corridor = await Corridor.over(cloud, { policy: ROOMY })
    return { corridor, ledger: corridor.ledger, close: () => corridor.close() }
  }
  const made = await bundle("dynamodb")
  const server = new OwnProcess(made.file, [], {})
  const url = (await server.next()) as string
  const settings = {
    SUPERNODE_LEDGER: url,
    SUPERNODE_DYNAMODB_AK: ANY_KEYS.accessKeyId,
    SUPERNODE_DYNAMODB_SK: ANY_KEYS.secretAccessKey,
  }
  const corridor = await Corridor.over(cloud, { policy: ROOMY, settings })
  const ledger = await openLedger(url, { dynamodbCredentials: ANY_KEYS })
  await initialised(ledger, Date.now())
  return {
    corridor,
    ledger,
    close: async () => {
      await ledger.close()
      await corridor.close()
      server.signal("SIGKILL")
      await server.ended
    },
  }
}
