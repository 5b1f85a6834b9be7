import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll } from "vitest"
import { loadPolicyFile, PolicyError, type PolicyFile } from "../../lib/policy-file/load.ts"

/** A valid policy in YAML; tests break it one line at a time. */
export const GOOD = `version: 1
supernodes:
  - name: train-a
    region: cn-southwest-2
    project_id: 0123456789abcdef0123456789abcdef
    id: b4beacb6-4380-448c-a218-daa82cf03f5d
    rules:
      - name: npu-busy
        metric:
          cloud-eye: { namespace: AGT.ECS, name: npu_util_rate_ai_core, period: 5m }
        above: 85
    ladder:
      - { flavor: kat3ne-16-400t.96xlarge.8.matrix, servers: 2 }
      - { flavor: kat3ne-32-800t.192xlarge.8.matrix, servers: 4 }
    order:
      image_id: f4059eb4-c2f5-46a8-9b33-6cbed5d3fc81
      key_pair_name: KeyPair-42c4
    limits: { actions: 2 per 24h, servers: 48 }
`

const folders: string[] = []
afterAll(async () => {
  await Promise.all(folders.map((folder) => rm(folder, { recursive: true })))
})

/** Writes these files into a new folder; returns the path of its `policy.yaml`. */
export async function policyFolder(files: Record<string, string | Uint8Array>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "policy-"))
  folders.push(folder)
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
  return join(folder, "policy.yaml")
}

export async function load(
  yaml: string | Uint8Array,
  others: Record<string, string | Uint8Array> = {},
): Promise<PolicyFile> {
  return loadPolicyFile(await policyFolder({ "policy.yaml": yaml, ...others }))
}

/** The problems as people see them, without the folder; empty for a valid file. */
export async function problemsOf(
  yaml: string | Uint8Array,
  others: Record<string, string | Uint8Array> = {},
): Promise<string[]> {
  const path = await policyFolder({ "policy.yaml": yaml, ...others })
  try {
    await loadPolicyFile(path)
    return []
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    return error.message.split("\n").map((line) => line.replaceAll(`${dirname(path)}/`, ""))
  }
}

/** GOOD with one piece of it replaced; throws if it does not contain the piece. */
export function good(...changes: [piece: string, by: string][]): string {
  return changes.reduce((yaml, [piece, by]) => {
    if (!yaml.includes(piece)) throw new Error(`there is no ${piece}`)
    return yaml.replace(piece, by)
  }, GOOD)
}
