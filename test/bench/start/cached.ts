import { cpSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { FunctionName } from "../../../deploy/code-cache/events.ts"
import { makeCodeCache } from "../../../deploy/code-cache/make.ts"

/** Copies of built functions, with the code cache that packaging with that Node.js makes, and without any. */
export async function cachedAndNot(
  dist: string,
  names: readonly FunctionName[],
  node: string,
): Promise<{ cached: string; plain: string; remove(): void }> {
  const folder = mkdtempSync(join(tmpdir(), "bench-cached-"))
  const [cached, plain] = [join(folder, "cached"), join(folder, "plain")]
  for (const name of names) {
    for (const copy of [cached, plain]) {
      cpSync(join(dist, name), join(copy, name), { recursive: true })
      rmSync(join(copy, name, "code-cache.json"), { force: true })
    }
    await makeCodeCache({ dist: cached, name, node, nodeOptions: [] })
  }
  return { cached, plain, remove: () => rmSync(folder, { recursive: true }) }
}
