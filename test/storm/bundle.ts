import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build, type Plugin } from "esbuild"

const ROOT = fileURLToPath(new URL("../..", import.meta.url))

/** A way to break our code on purpose, to see that somebody notices. */
export interface Break {
  /** What the broken code does. */
  says: string
  file: string
  /** Stands in the file exactly once; else the break has rotted, and bundling fails. */
  from: string
  to: string
}

export interface Bundle {
  /** Runs on plain Node in a fraction of the time that loading TypeScript takes. */
  file: string
  remove(): void
}

/** One script of this folder's tests with all of our code that it needs, whole or broken on purpose. */
export async function bundle(script: URL, broken: Break | null = null): Promise<Bundle> {
  const folder = mkdtempSync(join(tmpdir(), "bundle-"))
  // SQLite for this Node is native and dynalite loads parts of itself by name: both stay where they are.
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"))
  await build({
    absWorkingDir: ROOT,
    entryPoints: { index: fileURLToPath(script) },
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node20",
    mainFields: ["module", "main"],
    external: ["@photostructure/sqlite", "dynalite"],
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module";const require = requireFrom(import.meta.url);',
    },
    logLevel: "warning",
    plugins: broken ? [breaking(broken)] : [],
  })
  return { file: join(folder, "index.mjs"), remove: () => rmSync(folder, { recursive: true, force: true }) }
}

function breaking({ file, from, to }: Break): Plugin {
  const path = join(ROOT, file)
  const parts = readFileSync(path, "utf8").split(from)
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${from}`)
  return {
    name: "breaking",
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, (args) =>
        args.path === path ? { contents: parts.join(to), loader: "ts" } : undefined,
      )
    },
  }
}
