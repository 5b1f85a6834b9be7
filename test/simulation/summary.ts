import type { Report } from "./simulate.ts"
import type { Counts } from "./world.ts"

/** Result of many seeds. */
export class Summary {
  seeds = 0
  mostPosts = 0
  readonly failed: Report[] = []
  readonly counts: Counts = {
    events: 0,
    runs: 0,
    posts: 0,
    purchases: 0,
    unknowns: 0,
    crashes: 0,
    freezes: 0,
  }

  add(report: Report): void {
    this.seeds += 1
    this.mostPosts = Math.max(this.mostPosts, report.mostPosts)
    for (const key of Object.keys(this.counts) as (keyof Counts)[]) this.counts[key] += report.counts[key]
    if (report.violations.length > 0) this.failed.push(report)
  }

  lines(): string[] {
    const { events, runs, posts, purchases, unknowns, crashes, freezes } = this.counts
    const rows: [string, number][] = [
      ["seeds", this.seeds],
      ["events delivered", events],
      ["runs", runs],
      ["requests sent", posts],
      ["most requests per attempt", this.mostPosts],
      ["purchases that took place", purchases],
      ["unknown outcomes", unknowns],
      ["processes that died", crashes],
      ["processes that froze", freezes],
      ["violations", this.failed.length],
    ]
    return rows.map(([name, value]) => `${name.padEnd(27)}${value.toLocaleString("en-US").padStart(12)}`)
  }
}

/** The last lines of a trace that concern the failure, with the command that shows the whole trace. */
export function failureLines({ seed, violations, trace }: Report, most = 40): string[] {
  const said = violations.join("\n")
  const ids = said.match(/\bx\d+\b|\brun-\d+\b|train-[ab]/g) ?? []
  const isAbout = (line: string) =>
    ids.some((id) => new RegExp(`\\b${id}\\b`).test(line)) ||
    /freezes|dies|clock jumps|store is away|restarted|people know|VIOLATION|calm/.test(line)
  const notifications = trace.filter(isAbout)
  return [
    `seed ${seed}: ${said}`,
    ...(notifications.length > most ? [`  … ${notifications.length - most} lines before`] : []),
    ...notifications.slice(-most).map((line) => `  ${line}`),
    `replay it: npm run simulate:faults -- --seed ${seed} --trace`,
  ]
}
