import { visible } from "../../../lib/decision/inputs/foreign-text.ts"
import type { ScaleUpPlan } from "../../../lib/decision/plan.ts"
import { amountOf } from "../../../lib/decision/policy/money.ts"
import type { OrderRecord } from "../../../lib/decision/state/order.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import { causeOf, requesterOf } from "../print/cause.ts"

// Rows of `audit export --csv`, one per order that was tried, for the finance owner. The format is RFC 4180
// with CRLF at each line's end. The columns are a public contract (docs/audit-export.md).

const COLUMNS = [
  "supernode",
  "attempt",
  "opened_at",
  "settled_at",
  "outcome",
  "from_servers",
  "to_servers",
  "flavor",
  "price_amount",
  "price_currency",
  "order_id",
  "order_status",
  "order_amount",
  "order_currency",
  "cause",
  "requested_by",
  "opened_entry",
  "settled_entry",
] as const

type Row = Record<(typeof COLUMNS)[number], string | number | null>

export function csvHeader(): string {
  return COLUMNS.join(",")
}

/** Collects the rows of one supernode's chain. Its entries must be added in order. */
export class PurchaseRows {
  readonly #rows = new Map<string, Row>()

  constructor(private readonly supernode: string) {}

  add(entry: LedgerEntry): void {
    const { kind, attempt, plan, outcome, said, observation, at, seq } = entry
    if (kind === "opened" && attempt && plan) this.#rows.set(attempt.id, this.#opened(entry, plan))
    if (observation?.order) this.#orderRead(observation.order)
    const row = this.#rows.get(attempt?.id ?? (said?.verb === "settle" ? said.attempt : ""))
    if (!row) return
    if (kind === "settled" && outcome) {
      const orderId = outcome.kind === "accepted" ? outcome.orderId : null
      Object.assign(row, {
        outcome: outcome.kind,
        order_id: orderId,
        settled_at: iso(at),
        settled_entry: seq,
      })
    }
    // An operator's `settle` command replaces an unknown outcome.
    if (said?.verb === "settle")
      Object.assign(row, { outcome: `settled as ${said.as}`, settled_at: iso(at), settled_entry: seq })
  }

  lines(): string[] {
    return [...this.#rows.values()].map((row) => COLUMNS.map((column) => cell(row[column])).join(","))
  }

  /**
   * Adds the order's status and amount. The newest reading counts; an amount that could not be read leaves
   * its cells empty.
   */
  #orderRead({ attempt, orderId, status, amount }: OrderRecord): void {
    const row = this.#rows.get(attempt)
    if (!row) return
    const read = amount && amountOf(amount)
    Object.assign(row, {
      order_id: orderId,
      order_status: status,
      order_amount: read?.amount ?? null,
      order_currency: read?.currency ?? null,
    })
  }

  #opened(entry: LedgerEntry, { from, to, flavor, cost }: ScaleUpPlan): Row {
    const { attempt, at, seq } = entry
    return {
      supernode: this.supernode,
      attempt: attempt?.id ?? null,
      opened_at: iso(at),
      settled_at: null,
      outcome: "open",
      from_servers: from,
      to_servers: to,
      flavor,
      price_amount: cost?.amount ?? null,
      price_currency: cost?.currency ?? null,
      order_id: null,
      order_status: null,
      order_amount: null,
      order_currency: null,
      cause: causeOf(entry),
      requested_by: requesterOf(entry),
      opened_entry: seq,
      settled_entry: null,
    }
  }
}

function iso(at: number): string {
  return new Date(at).toISOString()
}

/**
 * Start of a formula: `=`, `+`, `-`, `@` and their full-width forms. A spreadsheet whose list separator is
 * `;` also begins a cell after each `;`.
 */
const FORMULA_START = /(^|;)(\s*[=+\-@\uff1d\uff0b\uff0d\uff20])/g

/**
 * Text of a cell. An apostrophe makes a spreadsheet show a formula as text; numbers need none, since they are
 * ours. Control characters become spaces.
 */
function cell(value: string | number | null): string {
  if (value === null) return ""
  if (typeof value === "number") return String(value)
  const text = visible(value).replace(FORMULA_START, "$1'$2")
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
