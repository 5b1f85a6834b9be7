import { operatorCommand } from "../decision/explain/operator-command.ts"
import { LedgerError } from "../ports.ts"
import { isCanonicalText } from "./canonical-form.ts"
import { checkEntry, type LedgerEntry, READ_VERSIONS, textFitsHash } from "./entry.ts"
import type { RawEntry } from "./store.ts"

export type ParsedEntry = { ok: true; entry: LedgerEntry } | { ok: false; problem: string }

/** Entry in a stored text, or the first reason not to trust it. Never throws. */
export function parseEntry(stream: string, raw: RawEntry): ParsedEntry {
  let value: unknown
  try {
    value = JSON.parse(raw.text)
  } catch {
    return { ok: false, problem: "is not JSON" }
  }
  const problem = misfit(stream, raw, value)
  return problem === null ? { ok: true, entry: value as LedgerEntry } : { ok: false, problem }
}

/**
 * Entry in a stored text. Never returns an entry that is not intact: throws LedgerError, which names the
 * entry and the remedy.
 */
export function trustedEntry(stream: string, raw: RawEntry): LedgerEntry {
  const parsed = parseEntry(stream, raw)
  if (parsed.ok) return parsed.entry
  throw distrust(stream, raw.seq, parsed.problem)
}

export function distrust(stream: string, seq: number, problem: string): LedgerError {
  return new LedgerError(
    `ledger entry ${stream}#${seq} cannot be trusted: it ${problem}. Nothing is bought until this is repaired. ` +
      `To see the extent, run: ${operatorCommand.auditVerify}. To repair it, restore a backup of the store`,
  )
}

/**
 * Reason why the text does not fit its stream and seq; null if it does. Checks the version first, because an
 * entry of another version may have any form.
 */
function misfit(stream: string, raw: RawEntry, value: unknown): string | null {
  if (!isRecord(value)) return "is not a JSON object"
  const { v } = value
  if (!READ_VERSIONS.some((known) => known === v)) {
    const versions = READ_VERSIONS.join(" and ")
    return `has version ${JSON.stringify(v) ?? "none"}, this program reads versions ${versions}; use a newer release`
  }
  if (value["stream"] !== stream) return `says it belongs to stream ${JSON.stringify(value["stream"])}`
  if (value["seq"] !== raw.seq) return `says its seq is ${JSON.stringify(value["seq"])}`
  if (typeof value["prev"] !== "string" || typeof value["hash"] !== "string") return "has no prev or no hash"
  if (typeof value["at"] !== "number" || !isRecord(value["standing"]))
    return "has no valid `at` or no valid `standing`"
  if (v !== 1 && !isTimeOrNull(value["confirmedAt"])) return "has no confirmedAt"
  return textProblem(raw.text, value as unknown as LedgerEntry)
}

function isTimeOrNull(value: unknown): boolean {
  return value === null || typeof value === "number"
}

// A text with thousands of nested levels overflows the stack, which counts as a reason not to trust it.
function textProblem(text: string, entry: LedgerEntry): string | null {
  const unfit = "does not match its hash: it was changed"
  try {
    if (isCanonicalText(text, entry)) return textFitsHash(text, entry.hash) ? null : unfit
    const canonical = checkEntry(entry)
    if (!canonical.isIntact) return unfit
    return canonical.text === text ? null : "is not in canonical form: the store has re-encoded it"
  } catch {
    return "cannot be converted to canonical form"
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
