import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build, type Plugin } from "esbuild"
import { builtOnce } from "../build-once.ts"

/** In a bundle: root of the sources that it was built from. */
declare const BUNDLED_FROM: string | undefined

const ROOT =
  typeof BUNDLED_FROM === "string" ? BUNDLED_FROM : fileURLToPath(new URL("../..", import.meta.url))

/** A deliberate change of our code that breaks it, to show that the tests detect it. */
export interface Break {
  /** Behaviour of the broken code. */
  says: string
  file: string
  /** Text that the file contains exactly once. Otherwise the break is outdated, and bundling fails. */
  from: string
  to: string
}

/** Scripts that tests start as processes. */
const SCRIPTS = {
  worker: "test/processes/worker.ts",
  sandbox: "test/sandbox/apart-process.ts",
  dynamodb: "test/ledger/dynamodb/server-process.ts",
  appender: "test/ledger/sqlite/appender.ts",
  "unprivileged-ledger": "test/ledger/sqlite/unprivileged.ts",
  "unprivileged-cli": "test/cli/unprivileged.ts",
}
export type ScriptName = keyof typeof SCRIPTS

export interface Bundle {
  /** Script for plain Node.js, which starts much faster than one in TypeScript. */
  file: string
  remove(): void
}

/**
 * One script with all of our code that it needs. All scripts are built together, once per run of the tests.
 */
export async function bundle(name: ScriptName): Promise<Bundle> {
  const folder = await builtOnce("scripts", (shared) => buildInto(shared, { entries: SCRIPTS }))
  return { file: join(folder, "scripts", `${name}.mjs`), remove: () => undefined }
}

/**
 * One script with code broken on purpose. Only for a ledger in SQLite: it contains no clients of other
 * stores.
 */
export async function brokenBundle(name: ScriptName, broken: Break): Promise<Bundle> {
  const folder = mkdtempSync(join(tmpdir(), "bundle-"))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  await buildInto(folder, { entries: { [name]: SCRIPTS[name] }, broken })
  return { file: join(folder, "scripts", `${name}.mjs`), remove }
}

/** One script of a bench. `changed` changes its code on purpose. */
export async function bundleScript(script: string, changed?: Break): Promise<Bundle> {
  const folder = mkdtempSync(join(tmpdir(), "bundle-"))
  const remove = () => rmSync(folder, { recursive: true, force: true })
  await buildInto(folder, { entries: { script }, ...(changed ? { broken: changed } : {}) })
  return { file: join(folder, "scripts", "script.mjs"), remove }
}

interface Wanted {
  entries: Record<string, string>
  broken?: Break
}

async function buildInto(folder: string, { entries, broken }: Wanted): Promise<void> {
  // SQLite for this Node.js and esbuild are native, and dynalite loads its parts by name, so none can be
  // bundled.
  const external = ["@photostructure/sqlite", "dynalite", "esbuild"]
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"))
  // Scripts read the events of the tests from `../events`.
  symlinkSync(join(ROOT, "test/events"), join(folder, "events"))
  await build({
    absWorkingDir: ROOT,
    entryPoints: entries,
    outdir: join(folder, "scripts"),
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node20",
    mainFields: ["module", "main"],
    define: {
      SUPERNODE_AUTOSCALER_VERSION: JSON.stringify("0.0.0"),
      BUNDLED_FROM: JSON.stringify(ROOT),
    },
    external: broken ? [...external, "@aws-sdk/*", "pg"] : external,
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module";const require = requireFrom(import.meta.url);',
    },
    logLevel: "warning",
    plugins: broken ? [breaking(broken)] : [],
  })
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
