import type { Rung } from "../policy/policy.ts"
import type { Situation } from "../situation.ts"
import { getOwn } from "../state/get-own.ts"
import { fail, notEvaluated, pass, sayTime, type Verdict } from "../verdict.ts"

export const NO_RUNG = notEvaluated("no rung was chosen")

/** Reasons after which `sold_out: next-larger` may continue to the next rung. */
const LACKS_STOCK: readonly string[] = ["sold-out", "flavor-blocked"]

interface OfferInputs {
  situation: Situation
  allowed: Rung
  mayGoLarger: boolean
}

/**
 * The allowed rung if it is listed, in stock and not blocked; else, if the policy allows it, the next larger
 * one.
 */
export function findOffer({ situation, allowed, mayGoLarger }: OfferInputs): {
  verdict: Verdict
  rung: Rung | null
} {
  const { offers } = situation
  if (offers.state === "not-read") return { verdict: notEvaluated("the offers were not read"), rung: null }
  if (offers.state === "unreadable") {
    const reason = offers.credentials ? "credentials" : "offers-unreadable"
    return { verdict: fail(reason, `scale-evaluations could not be read: ${offers.why}`), rung: null }
  }
  const searched = searchedRungs({ situation, allowed, mayGoLarger })
  const first = searched[0]
  const end = searched.at(-1)
  if (end?.verdict.reason === "offers-unreadable") return { verdict: end.verdict, rung: null }
  const available = end?.verdict.passed ? end : undefined
  if (available && available !== first) {
    const says = `${allowed.flavor} cannot be bought (${first?.verdict.reason}); the next larger flavor can: ${available.rung.flavor}`
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

/**
 * The allowed rung and, if the policy allows it, larger ones, each with its verdict. The walk ends at the first rung that
 * does not clearly lack stock. A flavor that is not listed is a mistake in the ladder. A flavor whose flag is unreadable
 * may be in stock: a larger rung would waste money.
 */
export function searchedRungs({ situation, allowed, mayGoLarger }: OfferInputs): {
  rung: Rung
  verdict: Verdict
}[] {
  const { ladder, limits } = situation.policy
  const larger = ladder.filter(({ servers }) => servers > allowed.servers && servers <= limits.servers)
  const searched: { rung: Rung; verdict: Verdict }[] = []
  for (const rung of mayGoLarger ? [allowed, ...larger] : [allowed]) {
    const verdict = offerVerdict(rung, situation)
    searched.push({ rung, verdict })
    if (!LACKS_STOCK.includes(verdict.reason ?? "")) break
  }
  return searched
}

function offerVerdict(rung: Rung, { offers, state, now }: Situation): Verdict {
  const listed = offers.state === "read" ? offers.value.filter((offer) => offer.flavor === rung.flavor) : []
  const facts = { flavor: rung.flavor, listed: listed.length > 0 }
  if (listed.length === 0)
    return fail(
      "not-offered",
      `the cloud does not offer ${rung.flavor} for this supernode (scale-evaluations does not list it)`,
      facts,
    )
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
