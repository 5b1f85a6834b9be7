import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { type Zippable, zipSync } from "fflate"
import { DeployError, policyFiles } from "./policy-files.ts"

/** The earliest time that a zip can hold; always the same, so that equal contents are equal zips. */
const ZIP_TIME = new Date(1980, 0, 1)
const UNIX = 3
/** `-rw-r--r--`, in the upper half of a zip entry's attributes. */
const READABLE = (0o100644 << 16) >>> 0

export interface ZipParts {
  /** The folder of the bundle (`dist/functiongraph`). */
  bundle: string
  /** The policy's path; in the zip it is `policy.yaml`. */
  policy: string
}

/** FunctionGraph's code: the bundle, the policy and what it includes. Throws DeployError. */
export async function functionGraphZip({
  bundle,
  policy,
}: ZipParts): Promise<{ zip: Uint8Array; names: string[] }> {
  const code = (await readdir(bundle)).map((name) => ({ path: join(bundle, name), name }))
  const files = [...code, ...(await policyFiles(policy))].sort((a, b) => (a.name < b.name ? -1 : 1))
  const zippable: Zippable = {}
  for (const { path, name } of files) {
    if (Object.hasOwn(zippable, name))
      throw new DeployError([`${path}: the bundle has a file of that name: rename it`])
    zippable[name] = [await readFile(path), { mtime: ZIP_TIME, os: UNIX, attrs: READABLE }]
  }
  return { zip: zipSync(zippable, { level: 9 }), names: files.map(({ name }) => name) }
}
