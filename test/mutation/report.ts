import { readFileSync } from "node:fs"
import * as z from "zod"

const schema = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.string(),
      mutants: z.array(
        z.object({
          mutatorName: z.string(),
          replacement: z.string().optional(),
          status: z.string(),
          location: z.object({
            start: z.object({ line: z.number(), column: z.number() }),
            end: z.object({ line: z.number(), column: z.number() }),
          }),
        }),
      ),
    }),
  ),
})
export type MutatedFile = z.output<typeof schema>["files"][string]
export type Mutant = MutatedFile["mutants"][number]

/** Statuses of mutants that no test killed. */
export const UNKILLED_STATUSES = ["Survived", "NoCoverage"]
const BEST_FIRST = ["Killed", "Timeout", ...UNKILLED_STATUSES]

/**
 * The files of Stryker's JSON reports, by name. If several reports name a mutant, its best status counts: one
 * test that kills it is enough.
 */
export function mutatedFiles(paths: readonly string[]): Map<string, MutatedFile> {
  const found = new Map<string, MutatedFile>()
  for (const path of paths) {
    const { files } = schema.parse(JSON.parse(readFileSync(path, "utf8")))
    for (const [name, file] of Object.entries(files)) found.set(name, merged(name, found.get(name), file))
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function merged(name: string, before: MutatedFile | undefined, file: MutatedFile): MutatedFile {
  if (before === undefined) return file
  if (before.source !== file.source)
    throw new Error(`${name}: the reports are of two versions of it; run one of them again`)
  const best = new Map<string, Mutant>()
  for (const mutant of [...before.mutants, ...file.mutants]) {
    const { location, mutatorName, replacement } = mutant
    const key = JSON.stringify([location, mutatorName, replacement])
    const known = best.get(key)
    if (known === undefined || rank(mutant) < rank(known)) best.set(key, mutant)
  }
  return { ...file, mutants: [...best.values()] }
}

function rank({ status }: Mutant): number {
  const place = BEST_FIRST.indexOf(status)
  return place < 0 ? BEST_FIRST.length : place
}
