import { execFile } from "node:child_process"
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"

export const ROOT = fileURLToPath(new URL("../..", import.meta.url))
const OSLS = join(ROOT, "node_modules/osls/bin/serverless.js")
const run = promisify(execFile)

/** Fresh bundles in that folder: all, or those named. */
export async function buildInto(folder: string, ...names: string[]): Promise<void> {
  await run(process.execPath, [join(ROOT, "esbuild.config.mjs"), folder, ...names])
}

/** This package as npm would install it, far from its node_modules: fresh bundles in dist/; and what a deployment adds. */
export async function makeWorkshop(): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "packaging-"))
  await buildInto(join(folder, "dist"))
  for (const file of ["package.json", "serverless.yml"]) await cp(join(ROOT, file), join(folder, file))
  await writeFile(join(folder, "policy.yaml"), "version: 1\n")
  await mkdir(join(folder, "policy"))
  await writeFile(join(folder, "policy/boot.sh"), "#!/bin/sh\n")
  return { folder, remove: () => rm(folder, { recursive: true }) }
}

/** `osls package` without a single credential, and with every way out closed. */
export async function packageWorkshop(folder: string, params: string[] = []): Promise<string> {
  const out = join(folder, `out-${params.length}`)
  await run(
    process.execPath,
    [OSLS, "package", "--package", out, ...params.flatMap((param) => ["--param", param])],
    {
      cwd: folder,
      env: { HOME: folder, HTTPS_PROXY: "http://127.0.0.1:9", HTTP_PROXY: "http://127.0.0.1:9" },
    },
  )
  return out
}

/** What a module in the folder exports, seen by a Node process that has nothing but this folder. */
export async function exportsOf(folder: string, file: string): Promise<string[]> {
  const script = `import(${JSON.stringify(join(folder, file))}).then((m) => console.log(JSON.stringify(Object.keys(m))))`
  const { stdout } = await run(process.execPath, ["-e", script], { cwd: folder, env: {} })
  return JSON.parse(stdout)
}
