import { spawnSync } from "node:child_process"
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join, relative, resolve } from "node:path"
import { argv } from "node:process"
import { fileURLToPath } from "node:url"

// `node deploy/npm/types.mjs [FOLDER]`: the declarations of functions/package.ts into dist/types, or FOLDER/types. They include
// those of zod that they name, since the package has no dependency that could bring them.

const root = fileURLToPath(new URL("../..", import.meta.url))
const types = join(resolve(argv[2] ?? join(root, "dist")), "types")
const ENTRY = "functions/package.d.ts"
const ZOD = join(root, "node_modules/zod")
/** An import that is in no line of a doc comment. */
const IMPORTED = /(?<!^ *\*.*)((?:from|import)\s*\(?\s*)"([^"]+)"/gm

/** Declarations of the whole project in a temporary folder. */
async function declare() {
  const folder = await mkdtemp(join(tmpdir(), "declarations-"))
  const tsc = join(root, "node_modules/typescript/bin/tsc")
  const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.package.json", "--outDir", folder], {
    cwd: root,
    stdio: "inherit",
  })
  if (status !== 0) throw new Error("the package's types cannot be built: see the compiler's messages above")
  return folder
}

/** The declaration file that an import in `file` names. */
function importedFile(specifier, { file, from }) {
  if (specifier === "zod") return join(ZOD, "index.d.ts")
  if (!specifier.startsWith("."))
    throw new Error(`${relative(from, file)} imports ${specifier}, which is not shipped`)
  return resolve(dirname(file), specifier.replace(/\.(ts|js)$/, ".d.ts"))
}

/** Copies a declaration and all that it imports. Only files that the entry reaches are shipped. */
async function ship(entry, from) {
  const shipped = new Map()
  const target = (file) =>
    file.startsWith(ZOD) ? join(types, "zod", relative(ZOD, file)) : join(types, relative(from, file))
  const waiting = [entry]
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (shipped.has(file)) continue
    const text = await readFile(file, "utf8")
    const rewritten = text.replace(IMPORTED, (whole, before, specifier) => {
      if (specifier.startsWith("node:")) return whole
      const next = importedFile(specifier, { file, from })
      waiting.push(next)
      const path = relative(dirname(target(file)), target(next)).replace(/\.d\.ts$/, ".js")
      return `${before}"${path.startsWith(".") ? path : `./${path}`}"`
    })
    shipped.set(file, rewritten)
  }
  for (const [file, text] of shipped) {
    await mkdir(dirname(target(file)), { recursive: true })
    await writeFile(target(file), text)
  }
  return shipped.size
}

const from = await declare()
await rm(types, { recursive: true, force: true })
const count = await ship(join(from, ENTRY), from)
await cp(join(ZOD, "LICENSE"), join(types, "zod/LICENSE"))
await rm(from, { recursive: true })
console.log(`types          ${count} declarations`)
