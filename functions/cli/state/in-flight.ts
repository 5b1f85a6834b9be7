import type { Settings } from "../../../lib/app/settings.ts"
import type { OpenAttempt } from "../../../lib/decision/state/attempt.ts"
import { stateOf } from "../../../lib/ledger/next-entry.ts"
import type { AuditedLedger } from "../../../lib/ledger/open.ts"
import { loadPolicyFile, PolicyError, type PolicyFile, problemLine } from "../../../lib/policy-file/load.ts"
import { findSupernode, type Task } from "../context.ts"
import { CommandError } from "../errors.ts"
import { sayAttempt } from "../print/state.ts"
import { FALLBACK_ZONE, type Timeframe, zoneOf } from "../print/time.ts"

const SUPERNODE_STREAM = /^supernode:(.+)$/

/** Data of the policy that texts for people need. */
export interface PolicyAtHand {
  /** Names by supernode id. */
  names: Map<string, string>
  /** IANA zone of the times that are shown. */
  zone: string
}

/**
 * Reads names and zone from the policy. If it cannot be read, uses ids and UTC and prints a note, since the
 * kill switch must not depend on it.
 */
export async function policyAtHand(
  { screen, options }: Task,
  { policyPath }: Pick<Settings, "policyPath">,
): Promise<PolicyAtHand> {
  const file = await loadPolicyFile(policyPath).catch(() => null)
  if (!file && !options.json)
    screen.note(
      `note: the policy ${policyPath} cannot be read, so supernodes are shown by their ids and times in ${FALLBACK_ZONE}`,
    )
  const shown = file ?? { supernodes: [] }
  return { names: namesOf(shown), zone: zoneOf(shown.supernodes) }
}

/** Names by supernode id. */
export function namesOf({ supernodes }: Pick<PolicyFile, "supernodes">): Map<string, string> {
  return new Map(supernodes.map(({ policy }) => [policy.id, policy.name]))
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Finds a supernode's id by its name or id. With a broken policy, accepts an id unchecked. Throws
 * CommandError. `otherwise`: what else the operator can do with a broken policy.
 */
export async function supernodeIdOf(policyPath: string, name: string, otherwise = ""): Promise<string> {
  try {
    const { supernodes } = await loadPolicyFile(policyPath)
    return findSupernode(supernodes, name).policy.id
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    if (UUID.test(name)) return name
    throw new CommandError(
      `the policy cannot be read, so the id of ${name} is unknown. Give the supernode's id${otherwise}. The policy's problems: ${error.problems.map(problemLine).join("; ")}`,
    )
  }
}

/** Attempts of one supernode or of all that were opened and have not ended, by supernode id. */
export async function attemptsInFlight(
  ledger: AuditedLedger,
  id: string | null,
): Promise<Map<string, OpenAttempt>> {
  const found = new Map<string, OpenAttempt>()
  for await (const stream of ledger.streams()) {
    const [, streamId] = SUPERNODE_STREAM.exec(stream) ?? []
    if (streamId === undefined || (id !== null && id !== streamId)) continue
    const { attempt } = stateOf(await ledger.head(stream))
    if (attempt) found.set(streamId, attempt)
  }
  return found
}

/** One line for each attempt that a stop does not cancel, since it was sent before the stop. */
export function inFlightLines(
  attempts: Map<string, OpenAttempt>,
  names: Map<string, string>,
  frame: Timeframe,
): string[] {
  if (attempts.size === 0) return ["nothing is in flight"]
  const lines = [...attempts].map(
    ([id, attempt]) => `  ${names.get(id) ?? id}  ${sayAttempt(attempt, frame)}`,
  )
  return ["already in flight, and not cancelled by this:", ...lines]
}
