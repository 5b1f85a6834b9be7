import { loadPolicyFile, PolicyError, type PolicyFile, problemLine } from "../policy-file/load.ts"

/** The policy file as the next event is handled by it. */
export interface PolicySource {
  current(): PolicyFile
  /** Reads the file anew. Throws PolicyError, and then everything stays as it was. */
  reload(): Promise<PolicyFile>
  /** The newest reload, where it was refused; null where the current file is the newest. */
  refused(): Refusal | null
}

export interface Refusal {
  says: string
  /** Epoch milliseconds. */
  since: number
}

/** Enough to find the place in the file. */
const MAX_PROBLEMS = 5

/** Throws PolicyError. */
export async function policySource(path: string, now: () => number): Promise<PolicySource> {
  let policies = await loadPolicyFile(path)
  let refused: Refusal | null = null
  return {
    current: () => policies,
    refused: () => refused,
    async reload() {
      try {
        policies = await loadPolicyFile(path)
        refused = null
        return policies
      } catch (error) {
        refused = { says: sayRefusal(error), since: now() }
        throw error
      }
    },
  }
}

function sayRefusal(error: unknown): string {
  if (!(error instanceof PolicyError)) return "it could not be read"
  const lines = error.problems.slice(0, MAX_PROBLEMS).map(problemLine)
  const more = error.problems.length - lines.length
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join("; ")
}
