import type { Rung } from "../policy/policy.ts"
import type { Situation } from "../situation.ts"
import { getOwn } from "../state/get-own.ts"
import { fail, notEvaluated, pass, sayTime, type Verdict } from "../verdict.ts"

export const NO_RUNG = notEvaluated("no rung was chosen")

/** Reasons after which `sold_out: next-larger` may continue to the next rung. */
const LACKS_STOCK: readonly string[] = ["sold-out", "flavor-blocked"]

interface OfferQuestion {
  situation: Situation
  allowed: Rung
  mayGoLarger: boolean
}

/**
 * The allowed rung if it is listed, in stock and not blocked; else, if the policy allows it, the next larger
 * one.
 */
export function findOffer({ situation, allowed, mayGoLarger }: OfferQuestion): {
  verdict: Verdict
  rung: Rung | null
} {
  const { offers, policy } = situation
  if (offers.state === "not-read") return { verdict: notEvaluated("the offers were not read"), rung: null }
  if (offers.state === "unreadable") {
    const reason = offers.credentials ? "credentials" : "offers-unreadable"
    return { verdict: fail(reason, `scale-evaluations could not be read: ${offers.why}`), rung: null }
  }
  const candidates = policy.ladder.filter(
    (rung) =>
      rung === allowed ||
      (mayGoLarger && rung.servers > allowed.servers && rung.servers <= policy.limits.servers),
  )
  const verdicts = candidates.map((rung) => ({ rung, verdict: offerVerdict(rung, situation) }))
  const first = verdicts[0]
  // Only a clear lack of stock leads to a larger rung. A flavor that is not listed is a mistake in the
  // ladder. One whose flag is unreadable may be in stock: a larger rung would waste money.
  const end = verdicts.find(({ verdict }) => !LACKS_STOCK.includes(verdict.reason ?? ""))
  if (end?.verdict.reason === "offers-unreadable") return { verdict: end.verdict, rung: null }
  const available = end?.verdict.passed ? end : undefined
  if (available && available !== first) {
    const says = `${allowed.flavor} cannot be bought (${first?.verdict.reason}); the next larger one can: ${available.rung.flavor}`
    return {
      verdict: pass(says, {
        wanted: allowed.flavor,
        because: first?.verdict.reason ?? null,
        flavor: available.rung.flavor,
      }),
      rung: available.rung,
    }
  }
  return { verdict: first?.verdict ?? NO_RUNG, rung: available?.rung ?? null }
}

function offerVerdict(rung: Rung, { offers, state, now }: Situation): Verdict {
  const listed = offers.state === "read" ? offers.value.filter((offer) => offer.flavor === rung.flavor) : []
  const facts = { flavor: rung.flavor, listed: listed.length > 0 }
  if (listed.length === 0) return fail("not-offered", `scale-evaluations does not list ${rung.flavor}`, facts)
  const flags = new Set(listed.map(({ soldOut }) => soldOut))
  if (flags.size > 1 || flags.has(null))
    return fail(
      "offers-unreadable",
      `scale-evaluations does not say clearly whether ${rung.flavor} is sold out`,
      { ...facts, soldOut: null },
    )
  if (flags.has(true)) return fail("sold-out", `${rung.flavor} is sold out`, { ...facts, soldOut: true })
  const block = getOwn(state.blocked, rung.flavor)
  if (block && block.until > now) {
    return fail(
      "flavor-blocked",
      `${rung.flavor} was refused for capacity; blocked until ${sayTime(block.until)}`,
      { ...facts, until: block.until, times: block.times },
    )
  }
  return pass(`${rung.flavor} is offered`, { ...facts, soldOut: false })
}
