import { execFile } from "node:child_process"
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { builtOnce } from "../build-once.ts"

export const ROOT = fileURLToPath(new URL("../..", import.meta.url))
const OSLS = join(ROOT, "node_modules/osls/bin/serverless.js")
const run = promisify(execFile)

/** The bundles of esbuild.config.mjs. */
export type BundleName = "alarm" | "schedule" | "manual" | "functiongraph" | "cli" | "package"

/**
 * A folder with the fresh bundle NAME/ and THIRD-PARTY-NOTICES. Other files use it too, so copy what you
 * change.
 */
export function builtFolder(name: BundleName): Promise<string> {
  const build = async (folder: string) => {
    // As in dist/: esbuild reads the package around the folder, whose files are modules.
    await writeFile(join(folder, "package.json"), '{ "type": "module" }\n')
    await run(process.execPath, [join(ROOT, "esbuild.config.mjs"), folder, name])
  }
  return builtOnce(`dist-${name}`, build)
}

/**
 * A folder with this package as npm installs it: fresh bundles in dist/, and the files that a deployment
 * adds. It has no node_modules.
 */
export async function makeWorkshop(): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await makeSources()
  const names: BundleName[] = ["alarm", "schedule", "manual", "functiongraph", "cli"]
  const copy = async (name: BundleName) =>
    cp(join(await builtFolder(name), name), join(folder, "dist", name), { recursive: true })
  await Promise.all(names.map(copy))
  return { folder, remove: () => rm(folder, { recursive: true }) }
}

/** The same with empty bundles. They suffice for a template, and packaging takes a third of the time. */
export async function makeBareWorkshop(): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await makeSources()
  for (const name of ["alarm", "schedule", "manual"]) {
    await mkdir(join(folder, "dist", name), { recursive: true })
    await writeFile(join(folder, "dist", name, "index.mjs"), "export const handler = () => {}\n")
  }
  return { folder, remove: () => rm(folder, { recursive: true }) }
}

/** A folder with all files that a deployment needs, except the bundles. */
async function makeSources(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "packaging-"))
  for (const file of ["package.json", "serverless.yml"]) await cp(join(ROOT, file), join(folder, file))
  await cp(join(ROOT, "deploy/aws"), join(folder, "deploy/aws"), { recursive: true })
  await writeFile(join(folder, "policy.yaml"), "version: 1\n")
  await mkdir(join(folder, "policy"))
  await writeFile(join(folder, "policy/boot.sh"), "#!/bin/sh\n")
  return folder
}

/** Runs `osls package` without credentials and without network. */
export async function packageWorkshop(
  folder: string,
  { params = [], options = [] }: { params?: string[]; options?: string[] } = {},
): Promise<string> {
  const out = join(folder, `out-${params.length}`)
  await run(
    process.execPath,
    [OSLS, "package", "--package", out, ...options, ...params.flatMap((param) => ["--param", param])],
    {
      cwd: folder,
      env: { HOME: folder, HTTPS_PROXY: "http://127.0.0.1:9", HTTP_PROXY: "http://127.0.0.1:9" },
    },
  )
  return out
}

/** Names that a module in the folder exports, in a Node.js process without any environment. */
export async function exportsOf(folder: string, file: string): Promise<string[]> {
  const script = `import(${JSON.stringify(join(folder, file))}).then((m) => console.log(JSON.stringify(Object.keys(m))))`
  const { stdout } = await run(process.execPath, ["-e", script], { cwd: folder, env: {} })
  return JSON.parse(stdout)
}
