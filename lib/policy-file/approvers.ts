import { isRecord } from "../decision/policy/amounts.ts"
import { isKeyText } from "../decision/policy/approvers.ts"
import { lookalikeKey, personKey } from "../decision/state/approver.ts"
import { readPublicKey } from "../ssh-signature/public-key.ts"
import { WireError } from "../ssh-signature/wire.ts"
import { valueAt } from "./issue-text.ts"
import { originOf, problemAt } from "./position.ts"
import type { PolicyProblem } from "./problem.ts"
import type { Source } from "./source.ts"
import type { SupernodeEntry } from "./supernode-entry.ts"

/**
 * Reports approvers with lookalike names or equal keys, keys that cannot be used, and supernodes whose
 * `approval` needs more people than are listed.
 */
export function approverProblems(main: Source, entries: readonly SupernodeEntry[]): PolicyProblem[] {
  const listed = valueAt(main.value, ["approvers"])
  const names = (Array.isArray(listed) ? listed : []).map((one: unknown) =>
    isRecord(one) && typeof one["name"] === "string" ? one["name"] : null,
  )
  // The schema reports texts that do not have the form of a key.
  const keys = (Array.isArray(listed) ? listed : []).map((one: unknown) =>
    isRecord(one) && typeof one["key"] === "string" && isKeyText(one["key"])
      ? one["key"].split(" ").slice(0, 2).join(" ")
      : null,
  )
  const people = new Set(names.flatMap((name) => (name === null ? [] : [personKey(name)])))
  return [
    ...lookalikes(main, names),
    ...keyProblems(main, keys),
    ...entries.flatMap((entry) => tooFew(entry, people.size)),
  ]
}

/** One key under two names would let one person approve twice. */
function keyProblems(main: Source, keys: readonly (string | null)[]): PolicyProblem[] {
  return keys.flatMap((key, i) => {
    if (key === null) return []
    const why = whyUnusable(key)
    const isRepeated = keys.indexOf(key) < i
    if (why === null && !isRepeated) return []
    const message =
      why === null
        ? `must not be the key of another approver: approvers.${keys.indexOf(key)} has it`
        : `must be an SSH public key that signatures can be verified with: ${why}`
    return [problemAt(originOf([{ source: main, path: [] }], ["approvers", i, "key"]), message)]
  })
}

function whyUnusable(key: string): string | null {
  try {
    readPublicKey(key)
    return null
  } catch (error) {
    return error instanceof WireError ? error.message : "it is not a valid key"
  }
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
    const message = `must not look like another approver's name: ${JSON.stringify(before)} is listed already`
    return [problemAt(originOf([{ source: main, path: [] }], ["approvers", i, "name"]), message)]
  })
}

function tooFew({ nodes, merged }: SupernodeEntry, people: number): PolicyProblem[] {
  const approval = valueAt(merged, ["approval"])
  if (!isRecord(approval) || approval["above"] === undefined) return []
  const needed = approval["approvers"] ?? 1
  if (typeof needed !== "number" || needed <= people) return []
  const path = approval["approvers"] === undefined ? ["approval"] : ["approval", "approvers"]
  const message =
    people === 0
      ? `needs people who may approve: list at least ${needed} under approvers, such as approvers: [ { name: ann } ]`
      : `must be at most ${people}: the file lists only ${people} ${people === 1 ? "person" : "people"} under approvers`
  return [problemAt(originOf(nodes, path), message)]
}
