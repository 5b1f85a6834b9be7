import type { Policy, Rule } from "../../../lib/decision/policy/policy.ts"
import { highIsBad } from "../../../lib/decision/policy/threshold.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import type { Spend, Threshold } from "./report.ts"

/** A policy, and the time of its first entry. It is active until the next policy's first entry. */
export interface PolicyInForce {
  hash: string
  since: number
  policy: Policy
}

/** Policies by which the entries of a supernode's chain were decided, in the order of these entries. */
export class PoliciesInForce {
  readonly #known = new Map<string, Policy>()
  readonly #inForce: PolicyInForce[] = []

  knows(hash: string): boolean {
    return this.#known.has(hash)
  }

  learn(hash: string, policy: Policy): void {
    this.#known.set(hash, policy)
  }

  add({ policyHash, policy, situation, at }: LedgerEntry): void {
    if (policyHash === undefined) return
    const written = policy ?? situation?.policy
    if (written) this.#known.set(policyHash, written)
    const known = this.#known.get(policyHash)
    if (!known || this.#inForce.at(-1)?.hash === policyHash) return
    this.#inForce.push({ hash: policyHash, since: at, policy: known })
  }

  get all(): readonly PolicyInForce[] {
    return this.#inForce
  }

  get newest(): Policy | null {
    return this.#inForce.at(-1)?.policy ?? null
  }

  /** The policy that was active at that time. Before the first policy was seen, this is the first policy. */
  at(time: number): Policy | null {
    return (this.#inForce.findLast(({ since }) => since <= time) ?? this.#inForce[0])?.policy ?? null
  }

  /** Each policy with the part of the range in which it was active. Parts without duration are left out. */
  spans(range: { from: number; to: number }): (PolicyInForce & { from: number; to: number })[] {
    return this.#inForce
      .map((one, i) => ({
        ...one,
        from: i === 0 ? range.from : Math.max(range.from, one.since),
        to: Math.min(range.to, this.#inForce[i + 1]?.since ?? range.to),
      }))
      .filter(({ from, to }) => from < to)
  }
}

/** Thresholds of these rules within the range. Equal thresholds of consecutive policies are merged. */
export function thresholdsOf(
  policies: PoliciesInForce,
  { rules, ...range }: { rules: readonly string[]; from: number; to: number },
): Threshold[] {
  const found: Threshold[] = []
  for (const { policy, from, to } of policies.spans(range))
    for (const rule of policy.rules.filter(({ name }) => rules.includes(name)))
      for (const one of levelsIn(rule)) {
        const before = found.findLast(
          ({ rule: name, kind, says }) => name === rule.name && kind === one.kind && says === one.says,
        )
        if (before?.to === from) before.to = to
        else found.push({ rule: rule.name, ...one, from, to })
      }
  return found
}

function levelsIn(rule: Rule): Pick<Threshold, "kind" | "value" | "says">[] {
  const { compare, steps, clear } = rule
  const high = highIsBad(rule)
  const single = compare
    ? [
        {
          kind: "breach" as const,
          value: compare.value,
          says: `${compare.op.replace("_", " ")} ${compare.value}`,
        },
      ]
    : []
  const stepped = steps.flatMap(({ from, to, up }) => {
    const value = high ? from : to
    if (value === null) return []
    return [{ kind: "breach" as const, value, says: `${high ? "from" : "below"} ${value}: ${up} up` }]
  })
  const cleared = clear === null ? [] : [{ kind: "clear" as const, value: clear, says: `clear ${clear}` }]
  return [...single, ...stepped, ...cleared]
}

/** Budgets within the range. Equal budgets of consecutive policies are merged. */
export function budgetsOf(policies: PoliciesInForce, range: { from: number; to: number }): Spend["budget"] {
  const found: Spend["budget"] = []
  for (const { policy, from, to } of policies.spans(range)) {
    const { budget } = policy.limits
    if (!budget) continue
    const amount = budget.minor / 100
    const before = found.at(-1)
    if (before?.to === from && before.amount === amount) before.to = to
    else found.push({ from, to, amount })
  }
  return found
}
