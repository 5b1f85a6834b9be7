import { fileURLToPath } from "node:url"
import * as fc from "fast-check"
import { expect, it } from "vitest"
import { decideAndExplain } from "../../lib/decision/decide.ts"
import type { Finding } from "../../lib/decision/decision.ts"
import { canonicalText, digest } from "../../lib/digest.ts"
import { holding } from "../properties/holding.ts"
import { situations } from "../properties/situations.ts"

// The sentences that people read in the ledger, and the `facts` that programs read, change only on purpose.
// This file shows the sentences of every gate to the author of a change. After a review: npx vitest run
// test/decision/words.test.ts --update

const WORDS = fileURLToPath(new URL("words.txt", import.meta.url))
const SAMPLE = { seed: 20_240_112, numRuns: 300 }
/** Maximum number of examples of each kind of sentence and each verdict of a gate. */
const MAX_ALIKE = 2
const MAX_EACH = 12
/** The evidence facts contain every point: other tests cover those. */
const MAX_FACTS = 600

it("the sentences and facts of every gate match test/decision/words.txt", async () => {
  const kept = new Map<string, string[]>()
  const alike = new Map<string, number>()
  for (const situation of [...fc.sample(holding, SAMPLE), ...fc.sample(situations, SAMPLE)]) {
    for (const finding of decideAndExplain(situation, digest).findings) {
      const verdict = `${finding.gate} ${finding.reason ?? (finding.passed ? "passed" : "not evaluated")}`
      const kind = `${verdict}: ${kindOf(finding)}`
      const lines = kept.get(verdict) ?? []
      const seen = alike.get(kind) ?? 0
      if (seen >= MAX_ALIKE || lines.length >= MAX_EACH) continue
      alike.set(kind, seen + 1)
      kept.set(verdict, [
        ...lines,
        `${finding.says}\n    ${canonicalText(finding.facts).slice(0, MAX_FACTS)}`,
      ])
    }
  }
  const text = [...kept]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([verdict, lines]) => [verdict, ...lines.map((line) => `  ${line}`)].join("\n"))
    .join("\n\n")
  await expect(`${text}\n`).toMatchFileSnapshot(WORDS)
})

/** The sentence without its numbers, times, names and identifiers, and the names of its facts. */
function kindOf({ says, facts }: Finding): string {
  const bare = says.replaceAll(/[\w-]*\d[\w.:-]*/g, "#").replaceAll(/"[^"]*"/g, '""')
  return `${bare} ${Object.keys(facts).join(" ")}`
}
