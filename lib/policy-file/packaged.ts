import { basename, dirname, join } from "node:path"
import type { LoadedPolicy } from "../decision/policy/loaded-policy.ts"
import type { Policy } from "../decision/policy/policy.ts"
import { canonicalText, digest, digestText } from "../digest.ts"
import { readFile, stat } from "./files.ts"
import { filesMatching } from "./include.ts"
import type { PolicyFile } from "./load.ts"
import type { PolicyWarning, SilencedWarning } from "./problem.ts"
import { isKnownHere } from "./time-zones.ts"

// The packaged policy: a policy file that was validated and hashed when a function was packaged. It is stored
// beside the YAML file, so that a cold start needs neither the parser nor the schemas. It is used only if
// every byte that it was made from is unchanged; otherwise the YAML is read. Its first line is the SHA-256 of
// the rest. Its second line is JSON.

/** Version of this format. */
const FORM = 1

interface Packaged extends Omit<PolicyFile, "path" | "files" | "read" | "supernodes"> {
  form: typeof FORM
  /** Id of the program that validated the policy. Another program may have other rules. */
  program: string
  /** The policy file is first. Names are relative to its folder. */
  files: { name: string; bytes: number; sha256: string }[]
  includes: { pattern: string; names: string[] }[]
  /** Distinct lists of a policy's keys, in their order. Policies with the same keys share one list. */
  shapes: string[][]
  /** Values that supernodes share, such as the rules of `defaults`. */
  shared: unknown[]
  supernodes: Row[]
}

/** One supernode. A value in an array is an index into `shared`; any other value is the value itself. */
interface Row {
  shape: number
  values: (string | number | boolean | null | [number])[]
  hash: string
  userdata: string | null
}

/** Path of the packaged policy. Its leading period hides it from patterns such as `*` under `include`. */
export function packagedPath(policyPath: string): string {
  return join(dirname(policyPath), `.${basename(policyPath)}.packaged`)
}

/** Text of the packaged policy. `nameOf` returns a name in the function, relative to the policy's folder. */
export function packagedText(
  file: PolicyFile,
  { program, nameOf }: { program: string; nameOf(path: string): string },
): string {
  const named = <W extends PolicyWarning>(warning: W): W => ({ ...warning, file: nameOf(warning.file) })
  const { path: _path, files: _files, read, supernodes, ...fields } = file
  const packaged: Packaged = {
    ...fields,
    form: FORM,
    program,
    files: read.files.map(({ path, bytes, sha256 }) => ({ name: nameOf(path), bytes, sha256 })),
    includes: read.includes.map(({ pattern, paths }) => ({ pattern, names: paths.map(nameOf) })),
    warnings: file.warnings.map(named),
    silenced: file.silenced.map(named),
    ...rowsOf(supernodes),
  }
  const text = JSON.stringify(packaged)
  // If JSON lost part of a policy, the result would be another policy.
  for (const [i, { policy, hash }] of supernodesOf(JSON.parse(text) as Packaged).entries())
    if (digest(policy) !== hash) throw new TypeError(`the policy of supernode ${i} has no exact JSON form`)
  return `${digestText(text)}\n${text}`
}

function rowsOf(supernodes: readonly LoadedPolicy[]): Pick<Packaged, "shapes" | "shared" | "supernodes"> {
  const shared = new SharedValues()
  const shapes = new SharedValues()
  const rows = supernodes.map(({ policy, hash, userdata }): Row => {
    const entries = Object.entries(policy).filter(([, value]) => value !== undefined)
    return {
      shape: shapes.indexOf(entries.map(([key]) => key)),
      values: entries.map(([, value]) =>
        typeof value === "object" && value !== null ? [shared.indexOf(value)] : value,
      ),
      hash,
      userdata,
    }
  })
  return { shapes: shapes.values as string[][], shared: shared.values, supernodes: rows }
}

/** Distinct values, each identified by its index. */
class SharedValues {
  readonly values: unknown[] = []
  readonly #known = new Map<string, number>()

  indexOf(value: unknown): number {
    const text = canonicalText(value)
    const known = this.#known.get(text)
    if (known !== undefined) return known
    this.#known.set(text, this.values.length)
    return this.values.push(value) - 1
  }
}

/** A usable packaged policy, or why the YAML is read instead. `why` is `null` if there is no packaged one. */
export type ReadPackaged = { file: PolicyFile } | { why: string | null }

/** Reads the packaged policy beside `policyPath`. Never throws: if it has any problem, the YAML is read. */
export async function readPackaged(policyPath: string, program: string): Promise<ReadPackaged> {
  try {
    const bytes = await readFile(packagedPath(policyPath)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null
      throw error
    })
    if (bytes === null) return { why: null }
    const packaged = contentOf(bytes)
    if (packaged === null) return { why: "it is damaged" }
    if (packaged.form !== FORM || packaged.program !== program)
      return { why: "another version of the program made it" }
    if (packaged.files[0]?.name !== basename(policyPath)) return { why: "it belongs to another policy file" }
    const file = policyFileOf(policyPath, packaged)
    const why = await whatChanged(file)
    return why === null ? { file } : { why }
  } catch (error) {
    return { why: `it cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}` }
  }
}

const LINE_FEED = 10

function contentOf(bytes: Buffer): Packaged | null {
  const end = bytes.indexOf(LINE_FEED)
  const content = bytes.subarray(end + 1)
  if (end < 0 || bytes.toString("latin1", 0, end) !== digestText(content)) return null
  return JSON.parse(content.toString()) as Packaged
}

/** The first difference from the files that the policy was made from; `null` if nothing changed. */
async function whatChanged({ path, read, supernodes }: PolicyFile): Promise<string | null> {
  const files = await Promise.all(
    read.files.map(async ({ path: file, bytes, sha256 }) => {
      const info = await stat(file).catch(() => null)
      if (!info?.isFile() || info.size !== bytes) return file
      const content = await readFile(file).catch(() => null)
      return content === null || digestText(content) !== sha256 ? file : null
    }),
  )
  const changed = files.find((file) => file !== null)
  if (changed !== undefined) return `${changed} has changed since it was packaged`
  for (const { pattern, paths } of read.includes) {
    const found = await filesMatching(dirname(path), pattern)
    if (found.length !== paths.length || found.some((one, i) => one !== paths[i]))
      return `${JSON.stringify(pattern)} under include matches other files than when the policy was packaged`
  }
  // The known time zones depend on the runtime, so this one check is repeated here.
  const unknown = [...new Set(supernodes.map(({ policy }) => policy.timezone))].find(
    (zone) => !isKnownHere(zone),
  )
  return unknown === undefined ? null : `this Node.js does not know the time zone ${unknown}`
}

/** Maps packaged names to the paths that `loadPolicyFile` would return. */
function pathIn(policyPath: string, { files: [policy] }: Packaged): (name: string) => string {
  return (name) => (name === policy?.name ? policyPath : join(dirname(policyPath), name))
}

function policyFileOf(policyPath: string, packaged: Packaged): PolicyFile {
  const path = pathIn(policyPath, packaged)
  const placed = <W extends PolicyWarning | SilencedWarning>(warning: W): W => ({
    ...warning,
    file: path(warning.file),
  })
  const { smnTopics, snsTopics, ledgerId, notify } = packaged
  const pinned = ledgerId === null ? {} : { ledgerId }
  return {
    path: policyPath,
    files: packaged.files.map(({ name }) => path(name)),
    read: {
      files: packaged.files.map(({ name, bytes, sha256 }) => ({ path: path(name), bytes, sha256 })),
      includes: packaged.includes.map(({ pattern, names }) => ({ pattern, paths: names.map(path) })),
    },
    supernodes: supernodesOf(packaged).map((loaded) => ({ ...loaded, ...pinned })),
    smnTopics,
    snsTopics,
    ledgerId,
    notify,
    warnings: packaged.warnings.map(placed),
    silenced: packaged.silenced.map(placed),
  }
}

function supernodesOf({ shapes, shared, supernodes }: Packaged): Omit<LoadedPolicy, "ledgerId">[] {
  // Supernodes share these values, so a change of one would change all supernodes.
  for (const value of shared) freeze(value)
  return supernodes.map(({ shape, values, hash, userdata }) => {
    const keys = shapes[shape] ?? []
    const policy: Record<string, unknown> = {}
    for (const [i, key] of keys.entries()) {
      const value = values[i]
      policy[key] = Array.isArray(value) ? shared[value[0]] : value
    }
    // The cast is safe: the same program wrote the text, and its digest was compared.
    return { policy: policy as unknown as Policy, hash, userdata }
  })
}

function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return
  Object.freeze(value)
  for (const part of Object.values(value)) freeze(part)
}
