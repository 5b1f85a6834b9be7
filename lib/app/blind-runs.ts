import { operatorCommand } from "../decision/explain/operator-command.ts"
import { sayTime } from "../decision/verdict.ts"
import type { RunFacts } from "./run-facts.ts"

/** Reasons to hold that a blind run gives; the state remembers since when. */
const BLIND_HOLDS: readonly (string | null)[] = ["credentials", "supernode-unreadable", "missing-data"]

/**
 * Why a run could see nothing to buy by: its supernode was unreadable, or no metric source had data. null for a run that
 * saw something, and for one that needed to look at nothing.
 */
function whyBlind({ sources }: Pick<RunFacts, "sources">): string | null {
  const { supernode, ...meters } = sources
  if (supernode && supernode.problem !== null) return sayProblem("supernode", supernode)
  const asked = Object.entries(meters)
  if (asked.length === 0 || asked.some(([, { problem }]) => problem === null)) return null
  return asked.map(([source, read]) => sayProblem(source, read)).join("; ")
}

function sayProblem(source: string, { problem, isRefused }: RunFacts["sources"][string]): string {
  return `${source}${isRefused ? " refused our keys" : ""}: ${problem}`
}

/** Since when the supernodes of this process have been blind, by name. */
export class BlindRuns {
  readonly #since = new Map<string, number>()

  /** The warning about a blind run; null for any other run. */
  warning(facts: RunFacts): string | null {
    const { name } = facts.loaded.policy
    const why = whyBlind(facts)
    if (why === null) {
      // A run that asked nothing saw nothing either.
      if (Object.keys(facts.sources).length > 0) this.#since.delete(name)
      return null
    }
    const since = Math.min(this.#since.get(name) ?? facts.at, blindSince(facts))
    this.#since.set(name, since)
    return `${name} has been blind since ${sayTime(since)}: ${why}. A run does not buy on what it cannot read. To find the cause, run: ${operatorCommand.doctor(name)}`
  }
}

/** The earliest time that the state names: of a source that ticks found blind, or of the hold that still lasts. */
function blindSince({ sources, before, decision, signal, at }: RunFacts): number {
  const last = before?.lastDecision
  const isSameHold = last && last.heldBy === decision?.heldBy && BLIND_HOLDS.includes(last.heldBy)
  const ofSources = Object.entries(sources).flatMap(([source, { problem }]) =>
    problem === null ? [] : (before?.blind?.[source]?.since ?? []),
  )
  return Math.min(signal.at ?? at, ...ofSources, ...(isSameHold ? [last.at] : []))
}
