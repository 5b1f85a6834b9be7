import { BaseSequencer, type TestSpecification } from "vitest/node"

/**
 * The slowest test files, longest first, by seconds of `npm test` on two cores. A long file that starts last
 * would leave the other cores without work.
 */
const LONGEST = [
  "simulation/simulation",
  "e2e/prometheus",
  "crash/settling",
  "crash/buying",
  "processes/storm",
  "packaging/packaging",
  "crash/orders",
  "ledger/postgres/pglite",
  "ledger/dynamodb/store",
  "cli/process",
  "ledger/sqlite/processes",
  "serve/process",
  "metrics/limits",
  "functiongraph/zip",
]

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => rankOf(a) - rankOf(b))
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const rank = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`))
  return rank < 0 ? LONGEST.length : rank
}
