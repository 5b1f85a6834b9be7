import { parseArgs } from "node:util"
import { endBundling } from "./bundle.ts"
import { seedsUpTo } from "./hunt.ts"
import { runLives } from "./pool.ts"
import { failureLines, Summary } from "./summary.ts"

// npm run simulate:faults -- --seeds 10000        many seeds on all cores
// npm run simulate:faults -- --seed 42 --trace    one seed, with all events

const USAGE = "simulate:faults [--seeds N] [--from SEED] [--threads N] | --seed SEED [--trace]"

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
} finally {
  await endBundling()
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "200" },
      from: { type: "string", default: "1" },
      seed: { type: "string" },
      threads: { type: "string" },
      trace: { type: "boolean", default: false },
    },
  })
  const [first, count] =
    values.seed === undefined ? [whole(values.from), whole(values.seeds)] : [whole(values.seed), 1]
  const summary = new Summary()
  const startedAt = performance.now()
  await runLives({
    seeds: seedsUpTo(first + count - 1, first),
    wantsTrace: values.trace,
    ...(values.threads === undefined ? {} : { threads: whole(values.threads) }),
    onReport(report) {
      summary.add(report)
      if (values.trace) console.log(report.trace.join("\n"))
      if (values.seed !== undefined) console.log(`seed ${report.seed}, trace ${report.hash}`)
      else if (summary.seeds % 500 === 0) console.error(`${summary.seeds} of ${count} seeds`)
      return summary.failed.length >= 10
    },
  })
  const failed = summary.failed.sort((a, b) => a.seed - b.seed)
  for (const report of failed) console.log(["", ...failureLines(report)].join("\n"))
  console.log(["", ...summary.lines()].join("\n"))
  console.log(
    `${"seconds".padEnd(27)}${Math.round((performance.now() - startedAt) / 1000)
      .toString()
      .padStart(12)}`,
  )
  return failed.length > 0 ? 1 : 0
}

function whole(text: string): number {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= 1) return value
  throw new RangeError(`${text} is no whole number above 0\n${USAGE}`)
}
