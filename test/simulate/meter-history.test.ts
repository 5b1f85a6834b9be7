import { expect, it } from "vitest"
import type { Cloud } from "../../lib/ports.ts"
import { readMeters } from "../../lib/simulate/meter-history.ts"
import { policyOf, ruleInput, supernodeOf } from "../decision/builders.ts"

const PERIOD = 300_000
/** A range of three requests: two of 500 periods, and one of 200. */
const RANGE = { from: 0, to: 1_200 * PERIOD }

const readMetrics: Cloud["readMetrics"] = async ({ policy }) =>
  policy.rules.map(({ name }) => ({ rule: name, periodMs: PERIOD, series: [], problem: "HTTP 503" }))

async function progressOf(rules: number): Promise<[number, number][]> {
  const shown: [number, number][] = []
  const policy = policyOf({
    rules: Array.from({ length: rules }, (_, i) => ruleInput({ name: `rule-${i}` })),
  })
  const onProgress = (done: number, all: number) => shown.push([Math.round(done * 1_000) / 1_000, all])
  await readMeters({ readMetrics }, { policy, supernode: supernodeOf(), ...RANGE, onProgress })
  return shown
}

it("simulate --from counts each part of the history as progress once the part is read", async () => {
  expect(await progressOf(1)).toEqual([
    [0.417, 1],
    [0.833, 1],
    [1, 1],
  ])
})

it("the progress of simulate --from ends at the number of rules whose history is read", async () => {
  const shown = await progressOf(3)
  expect(shown).toHaveLength(9)
  expect(shown.at(-1)).toEqual([3, 3])
})
