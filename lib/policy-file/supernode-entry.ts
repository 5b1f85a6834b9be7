import { isRecord } from "../decision/policy/amounts.ts"
import { currenciesOf, writtenKeysSchema, writtenSupernodeSchema } from "../decision/policy/policy.ts"
import { checking } from "./checking.ts"
import { MAX_SUPERNODES } from "./file-schema.ts"
import { valueAt, type Wording, wordingsOf } from "./issue-text.ts"
import { mergeDefaults } from "./merge.ts"
import type { Path } from "./path.ts"
import { originOf, problemAt, type SourceNode } from "./position.ts"
import type { PolicyProblem } from "./problem.ts"
import type { Source } from "./source.ts"

/** One item of a file's `supernodes` with `defaults` merged in, and the nodes of its values. */
export interface SupernodeEntry {
  /** Nodes of its values: the supernode itself, then `defaults`. */
  nodes: readonly [SourceNode, ...SourceNode[]]
  merged: unknown
}

/** Supernodes of one file, with the main file's `defaults` merged in. */
export function entriesOf(source: Source, main: Source): SupernodeEntry[] {
  const list = valueAt(source.value, ["supernodes"])
  const defaults = withoutIdentity(valueAt(main.value, ["defaults"]))
  // If the list is too long, that is the only problem reported; its items are not checked.
  if (!Array.isArray(list) || list.length > MAX_SUPERNODES) return []
  return list.map((own: unknown, i) => ({
    nodes: [
      { source, path: ["supernodes", i] },
      { source: main, path: ["defaults"] },
    ],
    merged: mergeDefaults(defaults, own),
  }))
}

const IDENTITY = ["name", "id"]

function withoutIdentity(defaults: unknown): unknown {
  if (!isRecord(defaults)) return defaults
  return Object.fromEntries(Object.entries(defaults).filter(([key]) => !IDENTITY.includes(key)))
}

/** Problems that the schema finds in one supernode. `times` is the number of supernodes that it checks. */
export function entryProblems({ nodes, merged }: SupernodeEntry, times: number): PolicyProblem[] {
  const issues = writtenSupernodeSchema.safeParse(merged, checking(times)).error?.issues ?? []
  const wordings = wordingsOf(issues, merged)
  // A name or id in `defaults` is a problem of its own, so a missing one is reported at the supernode only.
  const ofItself = ({ path: [key] }: Wording) => IDENTITY.some((own) => own === key)
  return wordings.flatMap((wording) => problemsIn(ofItself(wording) ? [nodes[0]] : nodes, [wording]))
}

/** Adds each problem's position in the files. */
export function problemsIn(
  nodes: readonly [SourceNode, ...SourceNode[]],
  wordings: readonly Wording[],
): PolicyProblem[] {
  return wordings.map(({ path, message, point }) => problemAt(originOf(nodes, path), message, point))
}

/**
 * Problems of `defaults` by itself: values that every supernode overrides are checked, too. Keys may be
 * missing, since supernodes can provide them. Lists are replaced as a whole, so their items must be complete.
 */
export function defaultsProblems(main: Source): PolicyProblem[] {
  const written = valueAt(main.value, ["defaults"])
  if (!isRecord(written)) return []
  const defaults = withoutIdentity(written)
  const found = writtenKeysSchema.safeParse(defaults, checking(1)).error?.issues ?? []
  const issues = found.filter(
    ({ path }) =>
      valueAt(defaults, path as Path) !== undefined || path.some((segment) => typeof segment === "number"),
  )
  const identity = IDENTITY.filter((key) => Object.hasOwn(written, key)).map(
    (key): Wording => ({
      path: [key],
      message: "must not be in defaults: each supernode has its own",
      point: "key",
    }),
  )
  return problemsIn([{ source: main, path: ["defaults"] }], [...identity, ...wordingsOf(issues, defaults)])
}

/** Problems of supernodes that share a name or an id, across all files. */
export function repeatedIdentities(entries: readonly SupernodeEntry[]): PolicyProblem[] {
  return IDENTITY.flatMap((key) => {
    const first = new Map<string, SupernodeEntry>()
    return entries.flatMap((entry) => {
      const value = valueAt(entry.merged, [key])
      if (typeof value !== "string") return []
      const before = first.get(value)
      if (before === undefined) {
        first.set(value, entry)
        return []
      }
      const there = problemAt(originOf(before.nodes, [key]), "")
      const message = `must be unique: ${value} is already used at ${there.file}:${there.line}:${there.column}`
      return [problemAt(originOf(entry.nodes, [key]), message)]
    })
  })
}

/**
 * Problems of mixed currencies. A policy has one currency, `fleet` included: amounts are compared and added,
 * but never converted. The most frequent currency is the expected one.
 */
export function mixedCurrencies(main: Source, entries: readonly SupernodeEntry[]): PolicyProblem[] {
  const fleet = valueAt(main.value, ["fleet", "budget", "currency"])
  const nodes: SupernodeEntry["nodes"] = [{ source: main, path: [] }]
  const all = entries.flatMap((entry) =>
    isRecord(entry.merged)
      ? currenciesOf(entry.merged).map((found) => ({ nodes: entry.nodes, ...found }))
      : [],
  )
  if (typeof fleet === "string") all.push({ nodes, path: ["fleet", "budget", "currency"], currency: fleet })
  const valid = all.filter(({ currency }) => /^[A-Z]{3}$/.test(currency))
  const mostUsed = mostFrequent(valid.map(({ currency }) => currency))
  return valid
    .filter(({ currency }) => currency !== mostUsed)
    .map(({ nodes: at, path, currency }) => {
      const message = `must be ${mostUsed} as elsewhere in the policy, not ${currency}: currencies are not converted`
      return problemAt(originOf(at, path), message)
    })
}

function mostFrequent(names: readonly string[]): string | undefined {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return [...counts].reduce<[string, number] | undefined>(
    (best, next) => (best && best[1] >= next[1] ? best : next),
    undefined,
  )?.[0]
}
