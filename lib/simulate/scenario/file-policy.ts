import { isRecord } from "../../decision/policy/amounts.ts"
import { loadPolicyFile, PolicyError, type PolicyFile } from "../../policy-file/load.ts"
import { readSource } from "../../policy-file/source.ts"
import type { ScenarioKeys, ScenarioPolicy } from "./stage.ts"

/** The policy file is not valid with a scenario's keys under `policy` or `file`. */
export class ScenarioKeysError extends Error {
  override readonly name = "ScenarioKeysError"

  /** `path` is the key in the policy file, its parts joined by periods. */
  constructor(readonly problems: readonly { path: string; message: string }[]) {
    super(problems.map(({ path, message }) => `${path}: ${message}`).join("; "))
  }
}

/** Loads an operator's own policy file for scenarios. Throws PolicyError if the file itself is not valid. */
export async function filePolicy(path: string): Promise<ScenarioPolicy & { timezone: string }> {
  const file = await loadPolicyFile(path)
  const { value } = await readSource(path)
  const supernodes = file.supernodes.map(({ policy }): [string, number] => [
    policy.name,
    policy.ladder[0]?.servers ?? 1,
  ])
  return {
    supernodes: Object.fromEntries(supernodes),
    timezone: file.supernodes[0]?.policy.timezone ?? "UTC",
    async load(keys) {
      const isAsWritten = Object.keys(keys.policy).length + Object.keys(keys.file).length === 0
      const { supernodes: all } = isAsWritten ? file : await loadWith(path, value, keys)
      return all.filter(({ policy }) => keys.names.includes(policy.name))
    },
  }
}

async function loadWith(path: string, value: unknown, keys: ScenarioKeys): Promise<PolicyFile> {
  const text = JSON.stringify(withKeys(value, keys))
  try {
    return await loadPolicyFile(path, null, Buffer.from(text))
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    // Only path and message are used: the positions refer to a generated text.
    throw new ScenarioKeysError(error.problems)
  }
}

/** The policy file with a scenario's keys in place of its own. Supernodes of included files are not in it. */
function withKeys(value: unknown, { names, policy, file }: ScenarioKeys): unknown {
  const whole = isRecord(value) ? value : {}
  const entries = Array.isArray(whole["supernodes"]) ? whole["supernodes"] : []
  const written = entries.map((entry: unknown) =>
    isRecord(entry) && names.includes(String(entry["name"])) ? { ...entry, ...policy } : entry,
  )
  const missing = names.filter((name) => !written.some((entry) => isRecord(entry) && entry["name"] === name))
  if (missing.length > 0 && Object.keys(policy).length > 0)
    throw new ScenarioKeysError(
      missing.map((name) => ({
        path: "policy",
        message: `${name} is in an included file, whose keys a scenario cannot change`,
      })),
    )
  return { ...whole, ...file, ...(written.length > 0 ? { supernodes: written } : {}) }
}
