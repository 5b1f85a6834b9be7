import type { Book, Trade } from "./book.ts"
import { rollingMs } from "./policies.ts"
import type { World } from "./world.ts"

/**
 * Checks caps across supernodes by the `opened` entries of all chains. By the entries' dates, no window may
 * have more attempts or spending than a cap allows. An attempt that a person settled as absent released its
 * place, and does not count even if it was bought. Returns `null` if the caps hold.
 */
export function whyNotOpen(world: World): string | null {
  const { actions, budget } = world.supernodes[0]?.policy.fleet ?? {}
  const all = world.supernodes
    .flatMap((supernode) => boughtIn(world.watch.bookOf(supernode)))
    .filter(({ saidAbsent }) => !saidAbsent)
  for (const first of all) {
    const from = requestedAt(first)
    const within = (ms: number) =>
      all.filter((one) => requestedAt(one) >= from && requestedAt(one) < from + ms)
    const used = actions ? within(actions.perMs) : []
    if (actions && used.length > actions.count)
      return `${used.map(({ id }) => id).join(", ")} are more than ${actions.count} attempts of all`
    const paid = budget ? within(rollingMs(budget.per)) : []
    const spent = paid.reduce((sum, { entry }) => sum + (entry.plan?.cost?.amount ?? 0) * 100, 0)
    if (budget && spent > budget.minor)
      return `${paid.map(({ id }) => id).join(", ")} cost ${spent}, more than ${budget.minor} of all`
  }
  return null
}

function requestedAt({ entry }: Trade): number {
  return entry.attempt?.openedAt ?? entry.at
}

/** Attempts that may have cost money, by the entries of one chain. */
export function boughtIn({ trades }: Book): Trade[] {
  return [...trades.values()].filter(({ state }) => state !== "released")
}
