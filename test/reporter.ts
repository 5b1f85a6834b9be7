import type { Reporter, TestCase, TestModule, Vitest } from "vitest/node"

/** Reason for tests that give none: a condition of their `describe` is not met. */
const NOT_HERE = "only npm run test:full runs it, or a program that it needs is not installed"

/** Prints the skipped tests of each file with the reason, and ends with one plain line of counts. */
export default class SpokenReporter implements Reporter {
  /** True with `-t`: the tests that it filters out are not worth a line. */
  #isFiltered = false

  onInit({ config }: Vitest): void {
    this.#isFiltered = config.testNamePattern !== undefined
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const test of tests) counts[test.result().state] += 1
    // A file that cannot be loaded has no tests to count.
    const broken = modules.filter((module) => module.errors().length > 0).length
    if (!this.#isFiltered) for (const line of skippedLines(tests)) console.log(line)
    const { passed, failed, skipped, pending } = counts
    console.log(`\n${passed} passed, ${failed + broken} failed, ${skipped + pending} skipped`)
  }
}

/** One line for each file and reason. */
function skippedLines(tests: readonly TestCase[]): string[] {
  const groups = new Map<string, { file: string; why: string; count: number }>()
  for (const test of tests) {
    const result = test.result()
    if (result.state !== "skipped") continue
    const file = test.module.relativeModuleId
    const why = result.note ?? NOT_HERE
    const group = groups.get(`${file} ${why}`) ?? { file, why, count: 0 }
    group.count += 1
    groups.set(`${file} ${why}`, group)
  }
  return [...groups.values()].map(
    ({ file, why, count }) => `could not run: ${file}, ${count} ${count === 1 ? "test" : "tests"} (${why})`,
  )
}
