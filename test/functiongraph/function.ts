import { existsSync } from "node:fs"
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { unzipSync } from "fflate"
import { functionGraphZip } from "../../deploy/functiongraph-zip.ts"
import { POLICY, USERDATA } from "../corridor/corridor.ts"
import { builtFolder } from "../packaging/built.ts"
import { OwnProcess } from "../processes/process.ts"

const NODES = fileURLToPath(new URL("../nodes/node_modules/", import.meta.url))
const RUNTIME = fileURLToPath(new URL("./runtime.cjs", import.meta.url))

export interface Keys {
  ak: string
  sk: string
  securityToken: string
}

/** The path of that version of Node.js; `null` if it is not installed. */
export function nodeOf(version: string): string | null {
  if (version === process.versions.node) return process.execPath
  const path = join(NODES, `node-${version}`, "bin/node")
  return existsSync(path) ? path : null
}

/** A fresh bundle and the policy of the other tests, in a folder of their own. */
export async function makeBundle(): Promise<{
  folder: string
  zip(others?: readonly string[]): Promise<Uint8Array>
}> {
  const folder = await mkdtemp(join(tmpdir(), "functiongraph-"))
  const built = await builtFolder("functiongraph")
  await cp(join(built, "functiongraph"), join(folder, "dist/functiongraph"), { recursive: true })
  await mkdir(join(folder, "policies"))
  await writeFile(join(folder, "policies/policy.yaml"), POLICY)
  await writeFile(join(folder, "policies/boot.sh"), USERDATA)
  const parts = { bundle: join(folder, "dist/functiongraph"), policy: join(folder, "policies/policy.yaml") }
  return { folder, zip: async (others = []) => (await functionGraphZip({ ...parts, others })).zip }
}

/** Unpacks the code into X/code, as the platform does into /opt/function/code. */
export async function unpack(zip: Uint8Array, folder: string): Promise<void> {
  for (const [name, bytes] of Object.entries(unzipSync(zip))) {
    const path = join(folder, "code", name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, bytes)
  }
}

export interface Invocation {
  handler: "alarm" | "schedule" | "manual"
  event: unknown
  keys?: Keys
}

export const KEYS: Keys = { ak: "TEMPORARY-AK", sk: "TEMPORARY-SK", securityToken: "TEMPORARY-TOKEN" }

/**
 * One container of a function. Its code is in X/code, its working directory is X, and user data holds its
 * settings.
 */
export class Container {
  readonly #process: OwnProcess

  constructor(folder: string, { node, userData }: { node: string; userData: Record<string, string> }) {
    const env = {
      RUNTIME_CODE_ROOT: join(folder, "code"),
      RUNTIME_FUNC_NAME: "supernode-autoscaler",
      RUNTIME_USERDATA: JSON.stringify(userData),
    }
    this.#process = new OwnProcess(RUNTIME, [], env, { node, cwd: folder })
  }

  /** The value that the function resolves to. Throws an Error if the function rejects. */
  async invoke({ handler, event, keys = KEYS }: Invocation): Promise<Record<string, unknown>> {
    this.#process.tell(JSON.stringify({ handler, event, keys, leftMs: 180_000 }))
    const said = (await this.#process.next()) as {
      value?: Record<string, unknown>
      error?: { name: string; message: string }
    }
    if (said.value) return said.value
    throw new Error(`${said.error?.name}: ${said.error?.message}`)
  }

  /** Warnings and errors that the function logged. */
  get stderr(): string {
    return this.#process.stderr
  }

  async close(): Promise<void> {
    this.#process.signal("SIGKILL")
    await this.#process.ended
  }
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
}
