import type { PolicyFile } from "../policy-file/load.ts"
import { packagedPath, readPackaged } from "../policy-file/packaged.ts"
import { PolicyError, problemLine } from "../policy-file/problem.ts"

/** Set in the bundles by the build. If undefined (a run from the sources), no packaged policy is read. */
declare const SUPERNODE_AUTOSCALER_PROGRAM: string | undefined

/** Source of the policy file that the next event will use. */
export interface PolicySource {
  current(): PolicyFile
  /** Reads the file again. Throws PolicyError; then the previous policy file stays in use. */
  reload(): Promise<PolicyFile>
  /** Refusal of the newest reload; `null` if the newest reload was accepted or there was none. */
  refused(): Refusal | null
  /** Returns, once, why the packaged policy was not used. Empty if it was used or does not exist. */
  takeWarnings(): string[]
}

export interface Refusal {
  says: string
  /** Epoch milliseconds. */
  since: number
}

/** Maximum number of problems in a refusal; enough to find the places in the file. */
const MAX_PROBLEMS = 5

/** Reads the policy file, packaged or YAML. Throws PolicyError. */
export async function policySource(path: string, now: () => number): Promise<PolicySource> {
  let warnings: string[] = []
  const read = async (): Promise<PolicyFile> => {
    const packaged = await readPackagedHere(path)
    if ("file" in packaged) return packaged.file
    if (packaged.why !== null) warnings = [sayUnused(path, packaged.why)]
    // Loaded on demand: a packaged policy needs neither the parser nor the schemas.
    const { loadPolicyFile } = await import("../policy-file/load.ts")
    return loadPolicyFile(path)
  }
  let policies = await read()
  let refused: Refusal | null = null
  return {
    current: () => policies,
    refused: () => refused,
    takeWarnings() {
      const taken = warnings
      warnings = []
      return taken
    },
    async reload() {
      try {
        policies = await read()
        refused = null
        return policies
      } catch (error) {
        refused = { says: sayRefusal(error), since: now() }
        throw error
      }
    },
  }
}

async function readPackagedHere(path: string): Promise<Awaited<ReturnType<typeof readPackaged>>> {
  return typeof SUPERNODE_AUTOSCALER_PROGRAM === "string"
    ? readPackaged(path, SUPERNODE_AUTOSCALER_PROGRAM)
    : { why: null }
}

function sayUnused(path: string, why: string): string {
  return `the policy was read from its YAML instead of ${packagedPath(path)}: ${why}. Decisions are the same, but starts are slower. To fix this, package the function again`
}

function sayRefusal(error: unknown): string {
  if (!(error instanceof PolicyError)) return "it could not be read"
  const lines = error.problems.slice(0, MAX_PROBLEMS).map(problemLine)
  const more = error.problems.length - lines.length
  return [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join("; ")
}
