import { readdir, readFile } from "node:fs/promises"
import { basename, join, resolve } from "node:path"
import { type Zippable, zipSync } from "fflate"
import { DeployError, policyFiles } from "./policy-files.ts"

/** Time of every file: the earliest that a zip can hold. It never changes, so equal contents give equal zips. */
const ZIP_TIME = new Date(1980, 0, 1)
const UNIX = 3
/** `-rw-r--r--`, in the upper half of a zip entry's attributes. */
const READABLE = (0o100644 << 16) >>> 0

export interface ZipParts {
  /** The folder of the bundle (`dist/functiongraph`). */
  bundle: string
  /** The policy's path; in the zip it is `policy.yaml`. */
  policy: string
  /** Paths of further files, such as the certificates that a setting names; each lies beside the policy. */
  others?: readonly string[]
}

/** FunctionGraph's code: the bundle, the policy and what it includes, and further files. Throws DeployError. */
export async function functionGraphZip({
  bundle,
  policy,
  others = [],
}: ZipParts): Promise<{ zip: Uint8Array; names: string[] }> {
  const { files: ofPolicy, packaged } = await policyFiles(policy)
  const code = (await readdir(bundle)).map((name) => ({ path: join(bundle, name), name }))
  const further = others.map((path) => ({ path, name: basename(path) }))
  const files = [...code, ...ofPolicy, ...further].sort((a, b) => (a.name < b.name ? -1 : 1))
  const attributes = { mtime: ZIP_TIME, os: UNIX, attrs: READABLE }
  const zippable: Zippable = { [packaged.name]: [Buffer.from(packaged.text), attributes] }
  for (const { path, name } of files) {
    if (Object.hasOwn(zippable, name))
      throw new DeployError([`${path}: the zip has another file ${name}: rename it`])
    zippable[name] = [await contentOf(path), attributes]
  }
  return { zip: zipSync(zippable, { level: 9 }), names: Object.keys(zippable) }
}

async function contentOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new DeployError([`${resolve(path)}: cannot be read: ${(error as NodeJS.ErrnoException).code}`])
  }
}
