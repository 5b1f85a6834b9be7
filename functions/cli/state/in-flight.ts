import type { OpenAttempt } from "../../../lib/decision/state/attempt.ts"
import { stateOf } from "../../../lib/ledger/next-entry.ts"
import type { AuditedLedger } from "../../../lib/ledger/open.ts"
import { loadPolicyFile, PolicyError, type PolicyFile, problemLine } from "../../../lib/policy-file/load.ts"
import { findSupernode } from "../context.ts"
import { CommandError } from "../errors.ts"
import { sayAttempt } from "../print/state.ts"

const SUPERNODE_STREAM = /^supernode:(.+)$/

/** Names by supernode id, as far as the policy can be read: a kill switch must not wait for it. */
export async function namesById(policyPath: string): Promise<Map<string, string>> {
  return namesOf((await loadPolicyFile(policyPath).catch(() => null)) ?? { supernodes: [] })
}

/** Names by supernode id. */
export function namesOf({ supernodes }: Pick<PolicyFile, "supernodes">): Map<string, string> {
  return new Map(supernodes.map(({ policy }) => [policy.id, policy.name]))
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** A supernode's id by its name or id. With a broken policy an id is taken as it is. Throws CommandError. */
export async function supernodeIdOf(policyPath: string, name: string): Promise<string> {
  try {
    const { supernodes } = await loadPolicyFile(policyPath)
    return findSupernode(supernodes, name).policy.id
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    if (UUID.test(name)) return name
    throw new CommandError(
      `which supernode ${name} is cannot be told, name it by its id (\`pause\` without a name stops everything): ${error.problems.map(problemLine).join("; ")}`,
    )
  }
}

/** Attempts that were opened and are not over, of one supernode or of all. */
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

/** What a stop does not stop: one line per attempt that was sent before it. */
export function inFlightLines(
  attempts: Map<string, OpenAttempt>,
  names: Map<string, string>,
  now: number,
): string[] {
  if (attempts.size === 0) return ["nothing is in flight"]
  const lines = [...attempts].map(([id, attempt]) => `  ${names.get(id) ?? id}  ${sayAttempt(attempt, now)}`)
  return ["already in flight, and not cancelled by this:", ...lines]
}
