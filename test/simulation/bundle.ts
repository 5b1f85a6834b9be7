import { readFile } from "node:fs/promises"
import { join, relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { build, type Plugin } from "esbuild"

const ROOT = fileURLToPath(new URL("../..", import.meta.url))
const HERE = fileURLToPath(new URL(".", import.meta.url))

/** One text of one file under lib/, and what stands there instead. */
export interface Change {
  file: string
  from: string
  to: string
}

/** The text is not there, or not exactly once: the break must be written anew for the code as it is now. */
export class ChangeError extends Error {
  override readonly name = "ChangeError"
}

/** The simulation as one module for Node.js. */
export interface Bundle {
  code: string
  asIs: boolean
}

/**
 * lib/ changed as told. `asIs` leaves out what only makes it faster: entries that are neither spelled out nor hashed.
 */
export async function bundle({
  changes = [],
  asIs = false,
}: {
  changes?: readonly Change[]
  asIs?: boolean
} = {}): Promise<Bundle> {
  const built = await build({
    entryPoints: [join(HERE, "thread.ts")],
    bundle: true,
    write: false,
    platform: "node",
    target: "node20",
    format: "esm",
    logLevel: "silent",
    plugins: [changing(changes), ...(asIs ? [] : [faster])],
  })
  const [file] = built.outputFiles
  if (!file) throw new Error("esbuild has built nothing")
  return { code: file.text, asIs }
}

function changing(changes: readonly Change[]): Plugin {
  return {
    name: "changes",
    setup({ onLoad }) {
      onLoad({ filter: /\/lib\/.*\.ts$/ }, async ({ path }) => {
        const here = changes.filter(({ file }) => resolve(ROOT, file) === path)
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

/** Whoever seals, checks or reads entries. */
const ENTRY_USERS = /\/lib\/ledger\/(?:next-entry|commands|chain|head-reads|init)\.ts$/

const faster: Plugin = {
  name: "faster",
  setup({ onResolve }) {
    onResolve({ filter: /\/(?:parse-)?entry\.ts$/ }, ({ importer }) =>
      ENTRY_USERS.test(importer) ? { path: join(HERE, "trusted.ts") } : null,
    )
  },
}
