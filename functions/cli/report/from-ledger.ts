import { counted } from "../../../lib/decision/policy/amounts.ts"
import type { Policy } from "../../../lib/decision/policy/policy.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import { sayEntry } from "../print/entry.ts"
import { moneyText } from "./event-log.ts"
import type { Fact, Report, View } from "./report.ts"
import { type Range, SupernodeHistory } from "./supernode-history.ts"
import { Texts } from "./texts.ts"

/** Minimum length of a view, since a view of one instant would have no width. */
const LEAST_MS = 3_600_000

/** History of a ledger's supernodes, gathered entry by entry. */
export class LedgerHistory {
  readonly #supernodes = new Map<string, SupernodeHistory>()
  readonly #control: LedgerEntry[] = []

  /** Adds a supernode, which the report then shows even if its chain has no entries. */
  know(supernode: { id: string; name: string }): SupernodeHistory {
    const known = this.#supernodes.get(supernode.id)
    if (known) return known
    const history = new SupernodeHistory(supernode, { inLedger: true })
    for (const entry of this.#control) history.addControl(entry)
    this.#supernodes.set(supernode.id, history)
    return history
  }

  /** Adds an entry of stream `control`. Entries must come in their order. */
  addControl(entry: LedgerEntry): void {
    this.#control.push(entry)
    for (const history of this.#supernodes.values()) history.addControl(entry)
  }

  get supernodes(): SupernodeHistory[] {
    return [...this.#supernodes.values()]
  }
}

export interface LedgerReport {
  history: LedgerHistory
  ledgerId: string | null
  title: string
  now: number
  version: string
  /** Start and end of the reported time, epoch milliseconds; `null` means no limit. */
  since: number | null
  until: number | null
  notes: readonly string[]
}

/** The report of a ledger: one view per supernode, sorted by name. */
export function reportOfLedger({ history, since, until, ...report }: LedgerReport): Report {
  const texts = new Texts()
  const views = history.supernodes
    .sort((a, b) => (a.supernode.name < b.supernode.name ? -1 : 1))
    .map((supernode) => viewOf(supernode, rangeOf(supernode, { since, until, now: report.now }), texts))
  const { ledgerId, title, version, now } = report
  const notes = [
    "The ledger records the load with each new decision that needed it. Between those decisions the load has gaps.",
    ...report.notes,
  ]
  return {
    v: 1,
    kind: "ledger",
    title,
    generatedAt: now,
    version,
    ledgerId,
    views,
    texts: texts.all,
    notes,
  }
}

interface Limits {
  since: number | null
  until: number | null
  now: number
}

/** The range includes entries of a clock that ran ahead. */
function rangeOf({ firstAt, newest }: SupernodeHistory, { since, until, now }: Limits): Range {
  const to = until ?? Math.max(now, newest?.at ?? now)
  const from = since ?? firstAt ?? to
  return { from: Math.min(from, to - LEAST_MS), to }
}

function viewOf(history: SupernodeHistory, range: Range, texts: Texts): View {
  return {
    ...history.view(range, texts),
    policyFile: null,
    facts: factsOf(history, range),
    loads: history.recordedLoads(range),
    holds: { unit: "recorded hold", reasons: history.log.holdsByReason },
  }
}

function factsOf(history: SupernodeHistory, range: Range): Fact[] {
  const { servers, purchases, newest, policies, log } = history
  const step = servers.newest
  const bought = purchases.within(range)
  return [
    { label: "servers", value: step ? sayServers(step) : "not read yet" },
    { label: "purchases", value: String(bought.length) },
    ...spendFacts(history, range, policies.newest),
    { label: "recorded holds", value: log.holds.count.toLocaleString("en-US") },
    { label: "newest entry", value: newest ? { at: newest.at } : "none" },
    ...(newest ? [{ label: "newest entry says", value: sayEntry(newest) }] : []),
  ]
}

function sayServers({ running, present }: { running: number; present: number }): string {
  return running === present ? String(running) : `${running} of ${counted(present, "server")} running`
}

function spendFacts({ purchases, policies }: SupernodeHistory, range: Range, policy: Policy | null): Fact[] {
  const spend = purchases.spend(policies, range)
  if (!spend) return []
  const { currency } = spend
  const spent = moneyText({ amount: spend.amount.at(-1) ?? 0, currency })
  const budget = policy?.limits.budget
  if (!budget) return [{ label: "spend", value: spent }]
  return [
    {
      label: `spend ${spend.window}`,
      value: `${spent} of ${moneyText({ amount: budget.minor / 100, currency })}`,
    },
  ]
}
