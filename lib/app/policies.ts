import { loadPolicyFile, type PolicyFile } from "../policy-file/load.ts"

/** The policy file as the next event is handled by it. */
export interface PolicySource {
  current(): PolicyFile
  /** Reads the file anew. Throws PolicyError, and then everything stays as it was. */
  reload(): Promise<PolicyFile>
}

/** Throws PolicyError. */
export async function policySource(path: string): Promise<PolicySource> {
  let policies = await loadPolicyFile(path)
  return {
    current: () => policies,
    async reload() {
      policies = await loadPolicyFile(path)
      return policies
    },
  }
}
