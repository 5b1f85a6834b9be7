import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { systemClock } from "../../lib/app/start.ts"
import type { AuditedLedger } from "../../lib/ledger/open.ts"
import type { Verification } from "../../lib/ledger/verify.ts"
import { type Corridor, POLICY, SANDBOX, SUPERNODE_ID } from "../corridor/corridor.ts"
import { SandboxApart } from "../sandbox/apart.ts"
import { Account, type Attempt } from "./account.ts"
import type { Bundle } from "./bundle.ts"
import { countEnd, type Delivery, type Ends, type Kind } from "./deliveries.ts"
import { decidedAt, type Handover, HandoverReader } from "./handover.ts"
import { look, whyTooLate } from "./look.ts"
import { OwnProcess } from "./process.ts"
import { type StoreName, storeFixtureOver } from "./store-fixture.ts"

// Many deliveries at once over several processes that share only a ledger, a cloud and the real clock.

export interface StormOptions {
  bundle: Bundle
  store: StoreName
  deliveries: readonly Delivery[]
  processes: number
  /** Number of deliveries that one process handles at the same time. */
  lanes: number
  /** True if the response to the purchase is lost, so that the outcome is unknown. */
  answerIsLost?: boolean
  provisioningMs?: number
}

export interface Storm {
  ends: Ends
  delivered: number
  posts: number
  orders: number
  chain: Verification
  /**
   * Ids of signals for which more than one run opened an attempt. A signal that only held may be decided
   * again.
   */
  openedTwice: string[]
  /** Contradictions between chain, wire and senders, as in a soak. */
  violations: string[]
  tookMs: number
}

/**
 * A ladder with one rung more than one purchase reaches, so that only our own rules prevent a second
 * purchase.
 */
const ROOMY = POLICY.replace(
  "    order:",
  "      - { flavor: kat3ne-64.768xlarge.matrix, servers: 8 }\n    order:",
)

export async function runStorm(options: StormOptions): Promise<Storm> {
  const { answerIsLost = false, provisioningMs = 10 * 60_000, deliveries } = options
  const cloud = await SandboxApart.start({ ...SANDBOX, provisioningMs })
  const fixture = await storeFixtureOver({ cloud, store: options.store, policy: ROOMY, clock: systemClock })
  const { corridor, ledger } = fixture
  const handovers = new HandoverReader(handoversIn(corridor))
  try {
    await corridor.sandbox.addOffer(SUPERNODE_ID, LARGEST)
    if (answerIsLost) await corridor.sandbox.failNext("scale-up", { reset: "after-effect" })
    const { ends, tookMs } = await deliverAll(options, corridor)
    const account = new Account("the storm's supernode", JUDGE)
    const accounts = new Map([[SUPERNODE_ID, account]])
    await look({ sandbox: corridor.sandbox, ledger, handovers, accounts, living: new Set() })
    return {
      ends,
      delivered: deliveries.length,
      posts: corridor.sandbox.scaleUps.length,
      orders: corridor.sandbox.orders.length,
      chain: await ledger.verify(STREAM),
      openedTwice: await signalsOpenedTwice(ledger),
      violations: account.violations,
      tookMs,
    }
  } finally {
    handovers.close()
    await fixture.close()
  }
}

const JUDGE = {
  // The storm's policy has no prices.
  serverMinor: 0,
  whyNotToSend: (handover: Handover, { sendBefore }: Attempt) => whyTooLate(decidedAt(handover), sendBefore),
}

/** File in which the processes record their handovers. */
function handoversIn({ folder }: Corridor<SandboxApart>): string {
  return join(folder, "handovers.jsonl")
}

const STREAM = `supernode:${SUPERNODE_ID}`
const LARGEST = { flavor: "kat3ne-64.768xlarge.matrix", servers: 8 }

/** Expected ends of deliveries after the purchase, which may find it in flight, done or unknown. */
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

/** All problems of a storm's result. */
export function problemsOf({
  ends,
  delivered,
  posts,
  orders,
  chain,
  openedTwice,
  violations,
}: Storm): string[] {
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
    ...violations,
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
      started.push(
        new OwnProcess(
          bundle.file,
          [handoversIn(corridor), "deliver", file, String(lanes)],
          corridor.settings(),
        ),
      )
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

/**
 * Ids of signals for which several runs opened an attempt. Only one may, however many workers got the signal.
 */
async function signalsOpenedTwice(ledger: AuditedLedger): Promise<string[]> {
  const seen = new Map<string, Set<string>>()
  for await (const { kind, signal, run } of ledger.read(STREAM)) {
    if (!signal || kind !== "opened") continue
    seen.set(signal.id, (seen.get(signal.id) ?? new Set()).add(run))
  }
  return [...seen].filter(([, runs]) => runs.size > 1).map(([id]) => id)
}
