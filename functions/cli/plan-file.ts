import * as z from "zod"
import { operatorCommand } from "../../lib/decision/explain/operator-command.ts"
import { CLOCK_TOLERANCE_MS } from "../../lib/decision/inputs/clock.ts"
import { CommandError } from "./errors.ts"
import { readText, whyNotJson } from "./event-file.ts"
import type { CliIo } from "./io.ts"
import { checkOwnPath, type OwnKind, writeOwnFile } from "./own-file.ts"
import type { ReadyRequest } from "./print/next-step.ts"
import { instantOf } from "./print/time.ts"

// The plan file: `dry-run --out` writes it, and `apply` buys its plan. The format is a public contract.

/** Lifetime of a plan, since its prices and stock become outdated. */
const VALID_MS = 24 * 3_600_000

const PLAN: OwnKind = { kind: "plan", mark: '{\n  "v": 1,\n  "ledger": ' }

const hash = z.string().regex(/^sha256:[0-9a-f]{64}$/, { error: "must be sha256: and 64 hex digits" })

const planFile = z
  .strictObject({
    v: z.literal(1),
    /** The ledger's id; `null` if the dry run had no ledger. Such a plan cannot be bought. */
    ledger: z.string().nullable(),
    /** The supernode's name in the policy. */
    supernode: z.string(),
    /** Hash of that supernode's policy. */
    policyHash: hash,
    planHash: hash,
    /** The manual request that buys the plan. Its fixed id lets it buy once, however often it is applied. */
    request: z.strictObject({
      id: z.string(),
      supernode: z.string(),
      mode: z.literal("live"),
      servers: z.int().min(1).max(48),
      requestedBy: z.string(),
      why: z.string(),
      planHash: hash,
      bypassCooldown: z.literal(true).optional(),
    }),
    at: z.iso.datetime(),
    expires: z.iso.datetime(),
  })
  .refine(
    ({ supernode, planHash, request }) => request.supernode === supernode && request.planHash === planHash,
    {
      path: ["request"],
      error: "is for another supernode or plan than the file",
    },
  )

export type PlanFile = z.infer<typeof planFile>

export interface ShownPlan {
  request: ReadyRequest
  /** Id of the ledger; `null` if there is no ledger, or if it has no id. */
  ledgerId: string | null
  policyHash: string
  now: number
  id: string
}

export function planFileOf({ request, ledgerId, policyHash, now, id }: ShownPlan): PlanFile {
  const { supernode, planHash } = request
  return {
    v: 1,
    ledger: ledgerId,
    supernode,
    policyHash,
    planHash,
    request: { id: `plan:${id}`, ...request },
    at: new Date(now).toISOString(),
    expires: new Date(now + VALID_MS).toISOString(),
  }
}

/** Throws CommandError if the file exists and is not a plan. */
export function checkPlanPath(path: string): Promise<void> {
  return checkOwnPath(path, PLAN)
}

/** Writes a plan. Replaces only an older plan. Throws CommandError. */
export function writePlanFile(path: string, plan: PlanFile): Promise<void> {
  return writeOwnFile(path, { ...PLAN, text: `${JSON.stringify(plan, null, 2)}\n` })
}

/** Reads a plan file, or stdin for `-`. Throws CommandError if it cannot be read or is not a plan file. */
export async function readPlanFile(path: string, io: CliIo): Promise<PlanFile> {
  const where = path === "-" ? "stdin" : path
  const parsed = planFile.safeParse(jsonOf(where, await readText(path, io, `the plan file ${where}`)))
  if (parsed.success) return parsed.data
  throw notAPlan(
    where,
    parsed.error.issues
      .map(({ path: keys, message }) =>
        keys.length === 0 ? "it must be one JSON object" : `${keys.join(".")}: ${message}`,
      )
      .join("; "),
  )
}

function jsonOf(where: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw notAPlan(where, `it is not JSON: ${whyNotJson(text, error)}`)
  }
}

function notAPlan(where: string, why: string): CommandError {
  return new CommandError(
    `${where} is not a plan file: ${why}. To make one, run: ${operatorCommand.planFile("NAME")}`,
  )
}

/** The ledger, the policy and the time at which a plan is applied. */
export interface Present {
  ledgerId: string | null
  /** Hash of the supernode's current policy; `null` if the policy file no longer names the supernode. */
  policyHash: string | null
  now: number
  /** IANA zone of the times in the sentence. */
  zone: string
}

/** Returns the reason why the plan cannot be applied, as a sentence; `null` if it may be tried. */
export function whyNotApplied(plan: PlanFile, { ledgerId, policyHash, now, zone }: Present): string | null {
  const at = Date.parse(plan.at)
  // Checked first, so that no later message prints a command with a name that only the file contains.
  if (policyHash === null)
    return `${plan.supernode} is not in the policy any more. Give the policy of the plan with --policy`
  const again = `To make a new plan, run: ${operatorCommand.planFile(plan.supernode)}`
  if (plan.ledger === null)
    return `the plan was made without a ledger. If there is none yet, run: ${operatorCommand.ledgerInit}. ${again}`
  if (plan.ledger !== ledgerId)
    return `the plan was made under ledger ${plan.ledger}, but this ledger ${ledgerId === null ? "does not exist or has no id" : `is ${ledgerId}`}. Give the plan's ledger with --ledger. ${again}`
  if (plan.policyHash !== policyHash)
    return `the policy of ${plan.supernode} has changed since the plan was made. ${again}`
  // An edited file is not valid longer than one that we wrote.
  const until = Math.min(Date.parse(plan.expires), at + VALID_MS)
  if (now >= until) return `the plan expired at ${instantOf(until, zone)}. ${again}`
  if (at - now > CLOCK_TOLERANCE_MS)
    return `the plan is dated ${instantOf(at, zone)}, but this machine's clock says ${instantOf(now, zone)}. Set this machine's clock. ${again}`
  return null
}
