import { operatorCommand } from "../decision/explain/operator-command.ts"
import { sayTime } from "../decision/verdict.ts"
import type { RunFacts } from "./run-facts.ts"

/** Reasons for which a blind run holds. If the last decision held for the same one, its time shows the start of the blindness. */
const BLIND_HOLDS: readonly (string | null)[] = ["credentials", "supernode-unreadable", "missing-data"]

/**
 * Reason why a run was blind: its supernode was unreadable, or no metric source had data. `null` if the run
 * received data, or if it queried no metric source.
 */
function whyBlind({ sources }: Pick<RunFacts, "sources">): string | null {
  const { supernode, ...meters } = sources
  if (supernode && supernode.problem !== null) return sayProblem("supernode", supernode)
  const queried = Object.entries(meters)
  if (queried.length === 0 || queried.some(([, { problem }]) => problem === null)) return null
  return queried.map(([source, read]) => sayProblem(source, read)).join("; ")
}

function sayProblem(source: string, { problem, isRefused }: RunFacts["sources"][string]): string {
  return `${source}${isRefused ? " refused our keys" : ""}: ${problem}`
}

/** Blind supernodes of this process, by name, with the time at which each became blind. */
export class BlindRuns {
  readonly #since = new Map<string, number>()

  /** Warning about a blind run; `null` for any other run. */
  warning(facts: RunFacts): string | null {
    const { name } = facts.loaded.policy
    const why = whyBlind(facts)
    if (why === null) {
      // A run that queried no source does not show that the supernode is readable again.
      if (Object.keys(facts.sources).length > 0) this.#since.delete(name)
      return null
    }
    const since = Math.min(this.#since.get(name) ?? facts.at, blindSince(facts))
    this.#since.set(name, since)
    return `${name} has been blind since ${sayTime(since)} (${why}). Until this is corrected, it may not get servers that it needs. To find the cause, run: ${operatorCommand.doctor(name)}`
  }
}

/**
 * Earliest known start of the blindness: this run's time, the start that ticks recorded for a source, or the
 * time of the last decision if it was the same hold.
 */
function blindSince({ sources, before, decision, signal, at }: RunFacts): number {
  const last = before?.lastDecision
  const isSameHold = last && last.heldBy === decision?.heldBy && BLIND_HOLDS.includes(last.heldBy)
  const ofSources = Object.entries(sources).flatMap(([source, { problem }]) =>
    problem === null ? [] : (before?.blind?.[source]?.since ?? []),
  )
  return Math.min(signal.at ?? at, ...ofSources, ...(isSameHold ? [last.at] : []))
}
