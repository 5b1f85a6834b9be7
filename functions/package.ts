import "./cli/require-node.ts"
import schema from "../docs/policy.schema.json" with { type: "json" }
import * as core from "../lib/decision/decide.ts"
import type { Decision } from "../lib/decision/decision.ts"
import type { Situation } from "../lib/decision/situation.ts"
import { digest } from "../lib/digest.ts"
import { loadPolicyFile, type PolicyFile } from "../lib/policy-file/load.ts"

// API of `import … from "supernode-autoscaler"`. Importing it starts nothing, and it exports nothing that
// spends.

export type { Decision, Finding } from "../lib/decision/decision.ts"
export type { LoadedPolicy } from "../lib/decision/policy/loaded-policy.ts"
export type { Policy } from "../lib/decision/policy/policy.ts"
export type { RunMode, Situation } from "../lib/decision/situation.ts"
export {
  PolicyError,
  type PolicyFile,
  type PolicyProblem,
  type PolicyWarning,
} from "../lib/policy-file/load.ts"
export { type Sandbox, type SandboxOptions, startSandbox } from "../lib/sandbox/sandbox.ts"

/** The JSON Schema (draft 2020-12) of a policy file. It checks the form; `loadPolicy` checks everything. */
export const policySchema: Readonly<Record<string, unknown>> = schema

/** The decision about a situation, with each failing gate's hint. A pure function: it reads nothing and buys nothing. */
export function decide(situation: Situation): Decision {
  return core.decideAndExplain(situation, digest)
}

/** Reads a policy file, its included files and its userdata files. Throws `PolicyError` with all problems together. */
export function loadPolicy(path: string): Promise<PolicyFile> {
  return loadPolicyFile(path, Date.now())
}
