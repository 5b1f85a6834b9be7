import { readFile } from "node:fs/promises"
import { join, relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { type BuildContext, context, type Plugin } from "esbuild"

const ROOT = fileURLToPath(new URL("../..", import.meta.url))
const HERE = fileURLToPath(new URL(".", import.meta.url))

/** One text of one file under lib/, and its replacement. */
export interface Change {
  file: string
  from: string
  to: string
}

/** The text is missing or not unique, so the break must be rewritten for the present code. */
export class ChangeError extends Error {
  override readonly name = "ChangeError"
}

/** The simulation as one module for Node.js. */
export interface Bundle {
  code: string
  asIs: boolean
}

/**
 * Bundles the simulation over lib/ with these changes. `asIs` omits the shortcut for speed, by which entries
 * are neither serialized nor hashed. Rejects with ChangeError.
 */
export function bundle({
  changes = [],
  asIs = false,
}: {
  changes?: readonly Change[]
  asIs?: boolean
} = {}): Promise<Bundle> {
  const bundler = bundlers[asIs ? "asIs" : "fast"]
  const built = bundler.last.then(() => build(bundler, changes))
  bundler.last = built.catch(() => undefined)
  return built.then((code) => ({ code, asIs }))
}

/** Ends the bundlers. Each of them keeps its process alive. */
export async function endBundling(): Promise<void> {
  for (const bundler of Object.values(bundlers)) {
    await bundler.last
    const context = await bundler.context
    bundler.context = null
    await context?.dispose()
  }
}

/** A bundler parses unchanged files once: the next bundle takes a third of the time of the first. */
interface Bundler {
  readonly plugins: readonly Plugin[]
  context: Promise<BuildContext<{ write: false }>> | null
  changes: readonly Change[]
  /** One bundle at a time. */
  last: Promise<unknown>
}

async function build(bundler: Bundler, changes: readonly Change[]): Promise<string> {
  bundler.changes = changes
  bundler.context ??= context({
    entryPoints: [join(HERE, "thread.ts")],
    bundle: true,
    write: false,
    platform: "node",
    target: "node20",
    format: "esm",
    logLevel: "silent",
    plugins: [changing(bundler), ...bundler.plugins],
  })
  const { outputFiles } = await (await bundler.context).rebuild()
  const [file] = outputFiles
  if (!file) throw new Error("esbuild has built nothing")
  return file.text
}

function changing(bundler: Bundler): Plugin {
  return {
    name: "changes",
    setup({ onLoad }) {
      onLoad({ filter: /\/lib\/.*\.ts$/ }, async ({ path }) => {
        const here = bundler.changes.filter(({ file }) => resolve(ROOT, file) === path)
        if (here.length === 0) return null
        let contents = await readFile(path, "utf8")
        for (const { from, to } of here)
          contents = changed(contents, { file: relative(ROOT, path), from, to })
        return { contents, loader: "ts" }
      })
    },
  }
}

function changed(contents: string, { file, from, to }: Change): string {
  const parts = contents.split(from)
  if (parts.length !== 2) throw new ChangeError(`${file} has ${parts.length - 1} times, not once: ${from}`)
  return parts.join(to)
}

/** Modules that seal, check or read entries. */
const ENTRY_USERS = /\/lib\/ledger\/(?:next-entry|commands|chain|head-reads|init)\.ts$/

const faster: Plugin = {
  name: "faster",
  setup({ onResolve }) {
    onResolve({ filter: /\/(?:parse-)?entry\.ts$/ }, ({ importer }) =>
      ENTRY_USERS.test(importer) ? { path: join(HERE, "trusted.ts") } : null,
    )
  },
}

const bundlers: Record<"fast" | "asIs", Bundler> = {
  fast: { plugins: [faster], context: null, changes: [], last: Promise.resolve() },
  asIs: { plugins: [], context: null, changes: [], last: Promise.resolve() },
}
