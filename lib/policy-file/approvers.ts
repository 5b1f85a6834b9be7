import { isRecord } from "../decision/policy/units.ts"
import { lookalikeKey, personKey } from "../decision/state/approver.ts"
import { valueAt } from "./issue-text.ts"
import { originOf, problemAt } from "./position.ts"
import type { PolicyProblem } from "./problem.ts"
import type { Source } from "./source.ts"
import type { SupernodeEntry } from "./supernode-entry.ts"

/** Reports approvers whose names cannot be told apart, and supernodes whose `approval` needs more people than are listed. */
export function approverProblems(main: Source, entries: readonly SupernodeEntry[]): PolicyProblem[] {
  const listed = valueAt(main.value, ["approvers"])
  const names = (Array.isArray(listed) ? listed : []).map((one: unknown) =>
    isRecord(one) && typeof one["name"] === "string" ? one["name"] : null,
  )
  const people = new Set(names.flatMap((name) => (name === null ? [] : [personKey(name)])))
  return [...lookalikes(main, names), ...entries.flatMap((entry) => tooFew(entry, people.size))]
}

function lookalikes(main: Source, names: readonly (string | null)[]): PolicyProblem[] {
  const first = new Map<string, string>()
  return names.flatMap((name, i) => {
    if (name === null) return []
    const key = lookalikeKey(name)
    const before = first.get(key)
    if (before === undefined) {
      first.set(key, name)
      return []
    }
    const message = `must not look like another approver's: ${JSON.stringify(before)} is listed already`
    return [problemAt(originOf([{ source: main, path: [] }], ["approvers", i, "name"]), message)]
  })
}

function tooFew({ places, merged }: SupernodeEntry, people: number): PolicyProblem[] {
  const approval = valueAt(merged, ["approval"])
  if (!isRecord(approval) || approval["above"] === undefined) return []
  const needed = approval["approvers"] ?? 1
  if (typeof needed !== "number" || needed <= people) return []
  const path = approval["approvers"] === undefined ? ["approval"] : ["approval", "approvers"]
  const message =
    people === 0
      ? `needs the people who may approve: list at least ${needed} under approvers, such as approvers: [ { name: ann } ]`
      : `must be at most ${people}: the file lists so many people under approvers`
  return [problemAt(originOf(places, path), message)]
}
