import { silenceSchema, type WarningId } from "../../decision/policy/warnings.ts"
import { valueAt } from "../issue-text.ts"
import type { Path } from "../path.ts"
import { originOf, problemAt, type SourceNode } from "../position.ts"
import type { PolicyWarning, SilencedWarning } from "../problem.ts"
import type { Source } from "../source.ts"
import type { SupernodeEntry } from "../supernode-entry.ts"

/** One item of a `silence` list. */
interface Silence {
  warning: WarningId
  reason: string
  /** Position of the item. A silence in `defaults` counts once, however many supernodes inherit it. */
  nodes: readonly [SourceNode, ...SourceNode[]]
  path: Path
  /** Supernode that the silence applies to; `null` if it applies to all warnings of the file. */
  entry: SupernodeEntry | null
}

/** A warning with its supernode; `entry` is `null` if the warning concerns the whole file. */
interface Raised {
  warning: PolicyWarning
  entry: SupernodeEntry | null
}

/** Silences of the file and of each supernode. Only for a policy without problems. */
export function silencesOf(main: Source, entries: readonly SupernodeEntry[]): Silence[] {
  const whole: readonly [SourceNode] = [{ source: main, path: [] }]
  return [
    ...listOf(main.value, whole, null),
    ...entries.flatMap((entry) => listOf(entry.merged, entry.nodes, entry)),
  ]
}

function listOf(
  written: unknown,
  nodes: readonly [SourceNode, ...SourceNode[]],
  entry: SupernodeEntry | null,
): Silence[] {
  const list = silenceSchema.safeParse(valueAt(written, ["silence"])).data ?? []
  return list.map((one, i) => ({ ...one, nodes, path: ["silence", i, "warning"], entry }))
}

/** Separates silenced warnings from the rest, and adds one warning for each silence that matched none. */
export function applySilences(
  raised: readonly Raised[],
  silences: readonly Silence[],
): { warnings: PolicyWarning[]; silenced: SilencedWarning[] } {
  const warnings: PolicyWarning[] = []
  const silenced: SilencedWarning[] = []
  const used = new Set<string>()
  for (const { warning, entry } of raised) {
    const matching = silences.filter(
      (one) => one.warning === warning.id && (one.entry === null || one.entry === entry),
    )
    for (const one of matching) used.add(placeOf(one))
    const [first] = matching
    if (first) silenced.push({ ...warning, reason: first.reason })
    else warnings.push(warning)
  }
  const unused = silences.filter((one) => !used.has(placeOf(one))).map(unusedSilence)
  return { warnings: [...warnings, ...unused], silenced }
}

function placeOf({ nodes, path }: Silence): string {
  const { file, line, column } = problemAt(originOf(nodes, path), "")
  return `${file}:${line}:${column}`
}

function unusedSilence({ warning, nodes, path }: Silence): PolicyWarning {
  const message = `silences ${warning}, which is not raised here: remove it`
  return { ...problemAt(originOf(nodes, path), message), id: "unused-silence" }
}
