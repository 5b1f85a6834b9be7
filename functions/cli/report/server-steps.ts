import { presentServers } from "../../../lib/decision/inputs/supernode.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import type { View } from "./report.ts"

interface Step {
  at: number
  running: number
  /** Number of servers that are present or ordered. */
  present: number
}

/**
 * Numbers of servers in the entries of a chain. Only entries know them, so each number lasts until the next
 * entry.
 */
export class ServerSteps {
  readonly #steps: Step[] = []

  add({ at, situation, observation, outcome, plan, standing, said }: LedgerEntry): void {
    if (situation?.supernode.state === "read") {
      const servers = presentServers(situation.supernode.value)
      const running = servers.filter(({ status }) => status === "RUNNING").length
      this.#push({ at, running, present: servers.length })
    }
    const before = this.#steps.at(-1)
    const attempt = "attempt" in standing ? standing.attempt : null
    if (observation?.present) {
      const present = observation.present.length
      const came = observation.kind === "completed" ? observation.servers.length : 0
      this.#push({ at, present, running: Math.min(present, (before?.running ?? present - came) + came) })
    } else if ((outcome?.kind === "accepted" || outcome?.kind === "unknown") && attempt) {
      this.#push({ at, present: attempt.to, running: before?.running ?? attempt.from })
    } else if (plan && !before) this.#push({ at, running: plan.from, present: plan.from })
    else if (said?.verb === "settle" && said.as === "absent" && before)
      this.#push({ at, running: before.running, present: before.running })
  }

  get newest(): Step | null {
    return this.#steps.at(-1) ?? null
  }

  get first(): Step | null {
    return this.#steps[0] ?? null
  }

  /** Steps within the range. The newest step before the range counts at its start. */
  within({ from, to }: { from: number; to: number }): View["servers"] {
    const before = this.#steps.findLast(({ at }) => at <= from)
    const inside = this.#steps.filter(({ at }) => at > from && at <= to)
    const last = inside.at(-1) ?? before
    const steps = [
      ...(before ? [{ ...before, at: from }] : []),
      ...inside,
      ...(last ? [{ ...last, at: to }] : []),
    ]
    return {
      at: steps.map(({ at }) => at),
      running: steps.map(({ running }) => running),
      present: steps.map(({ present }) => present),
    }
  }

  #push(step: Step): void {
    const last = this.#steps.at(-1)
    if (last?.running === step.running && last.present === step.present) return
    this.#steps.push(step)
  }
}
