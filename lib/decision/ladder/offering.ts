import type { Rung } from "../policy/policy.ts"
import type { Situation } from "../situation.ts"
import { own } from "../state/own.ts"
import { fail, notEvaluated, pass, sayTime, type Verdict } from "../verdict.ts"

export const NO_RUNG = notEvaluated("no rung was chosen")

interface OfferQuestion {
  situation: Situation
  allowed: Rung
  mayGoLarger: boolean
}

/** The allowed rung if it is listed, in stock and not blocked; else, where the policy says so, the next larger one. */
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
  // Only stock leads to a larger rung: a flavor that is not listed at all is a mistake in the ladder.
  const available =
    first?.verdict.reason === "not-offered" ? undefined : verdicts.find(({ verdict }) => verdict.passed)
  if (available && available !== first) {
    const says = `${allowed.flavor} cannot be had (${first?.verdict.reason}); the next larger one can: ${available.rung.flavor}`
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

function offerVerdict(rung: Rung, { offers, standing, now }: Situation): Verdict {
  const listed = offers.state === "read" ? offers.value.filter((offer) => offer.flavor === rung.flavor) : []
  const facts = { flavor: rung.flavor, listed: listed.length > 0 }
  if (listed.length === 0) return fail("not-offered", `scale-evaluations does not list ${rung.flavor}`, facts)
  // Listed twice with different words: the worse one counts.
  if (listed.some((offer) => offer.soldOut))
    return fail("sold-out", `${rung.flavor} is sold out`, { ...facts, soldOut: true })
  const block = own(standing.blocked, rung.flavor)
  if (block && block.until > now) {
    return fail(
      "flavor-blocked",
      `${rung.flavor} was refused for capacity; blocked until ${sayTime(block.until)}`,
      { ...facts, until: block.until, times: block.times },
    )
  }
  return pass(`${rung.flavor} is offered`, { ...facts, soldOut: false })
}
