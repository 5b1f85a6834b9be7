import type { Reporter, TestModule } from "vitest/node"

/** Prints each skipped test with the reason, and ends with one plain line of counts. */
export default class SpokenReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const counts = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const test of tests) counts[test.result().state] += 1
    // A file that cannot be loaded has no tests to count.
    const broken = modules.filter((module) => module.errors().length > 0).length
    for (const test of tests) {
      const result = test.result()
      if (result.state !== "skipped") continue
      const why = result.note === undefined ? "" : ` (${result.note})`
      console.log(`could not run: ${test.module.relativeModuleId} > ${test.fullName}${why}`)
    }
    const { passed, failed, skipped, pending } = counts
    console.log(`\n${passed} passed, ${failed + broken} failed, ${skipped + pending} skipped`)
  }
}
