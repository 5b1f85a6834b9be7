import { LIST_TRACES } from "../../../lib/decision/explain/witness.ts"
import { CLOCK_TOLERANCE_MS } from "../../../lib/decision/inputs/clock.ts"
import { type Offer, presentServers, type Supernode } from "../../../lib/decision/inputs/supernode.ts"
import { counted } from "../../../lib/decision/policy/amounts.ts"
import type { Policy } from "../../../lib/decision/policy/policy.ts"
import type { CloudOrder } from "../../../lib/decision/state/order.ts"
import type { ScaleUpTrace } from "../../../lib/decision/state/witness.ts"
import type { Read } from "../../../lib/ports.ts"
import { type Check, failedCheck, passedCheck } from "./check.ts"
import { isWrongKey, WRONG_HUAWEI_KEY } from "./refused-keys.ts"

const CLOCK = "set this machine's clock: signatures and evidence depend on it"

/** Checks that the supernode can be read, is ready, and is on a rung of the ladder. */
export function checkSupernode({ name, id, ladder }: Policy, read: Read<Supernode>): Check {
  const subject = { what: "supernode", supernode: name }
  if (!read.ok) return failedCheck(subject, `cannot be read: ${read.why}`, ...whyUnread(read, id))
  const { status, servers } = read.value
  if (servers === null) return failedCheck(subject, "the cloud's response has no list of servers")
  const present = presentServers(read.value)
  const rung = ladder.find((candidate) => candidate.servers === present.length)
  const seen = `${status}, ${counted(present.length, "server")}`
  const skew = Math.abs(read.skewMs ?? 0)
  if (skew > CLOCK_TOLERANCE_MS)
    return failedCheck(
      subject,
      `${seen}; its clock and this machine's differ by ${Math.round(skew / 1_000)} s`,
      CLOCK,
    )
  if (status !== "ACTIVE") return failedCheck(subject, `${seen}: nothing is bought until it is ACTIVE`)
  if (!rung) {
    const counts = ladder.map((candidate) => candidate.servers).join(", ")
    return failedCheck(
      subject,
      `${seen}, which is not on the ladder (${counts})`,
      `write a rung with servers: ${present.length} into \`ladder\``,
    )
  }
  const others = [...new Set(present.map((server) => server.status))].filter((one) => one !== "RUNNING")
  const note = others.length > 0 ? `, some of them ${others.join(", ")}` : ""
  return passedCheck(
    subject,
    `${seen}${note}; rung ${ladder.indexOf(rung) + 1} of ${ladder.length}: ${rung.flavor}`,
  )
}

function whyUnread({ credentials, refused, why }: Extract<Read<never>, { ok: false }>, id: string): string[] {
  if (credentials && isWrongKey(why)) return [WRONG_HUAWEI_KEY]
  if (credentials) return ["give the keys' user the permission to read Lite Server supernodes (modelarts)"]
  return refused
    ? [`check that ${id} is the supernode's id, and that region and project_id are those of this supernode`]
    : []
}

/** Checks that orders can be read after they were accepted. Purchases do not need this. */
export function checkOrders({ name }: Policy, read: Read<CloudOrder>): Check {
  const subject = { what: "orders", supernode: name }
  if (read.ok) return passedCheck(subject, "orders can be read")
  const { credentials, refused, why } = read
  // No order has the requested id. A refusal by the billing service itself (CBC.…) shows that the keys have
  // the right.
  const isRefused = refused === true && !credentials && why.includes(" answered 4")
  if (isRefused && / CBC\./.test(why)) return passedCheck(subject, "orders can be read")
  if (isRefused)
    return passedCheck(
      subject,
      `it is unknown whether orders can be read; check that SUPERNODE_BSS_ENDPOINT is the billing service of your account's site: ${why}`,
    )
  return passedCheck(
    subject,
    `orders cannot be read, so unpaid orders and changed amounts are not noticed; purchases still work: ${why}`,
  )
}

/** Checks that traces can be read while an outcome is unknown. Purchases do not need this. */
export function checkTraces({ name }: Policy, read: Read<ScaleUpTrace[]>): Check {
  const subject = { what: "traces", supernode: name }
  if (read.ok)
    return passedCheck(
      subject,
      "CTS can be read; only a trace shows whether it is enabled and records scale-ups",
    )
  const right = read.credentials ? ` (grant the keys the permission ${LIST_TRACES})` : ""
  return passedCheck(
    subject,
    `CTS cannot be read${right}, so its traces are not shown after an unknown outcome; purchases still work: ${read.why}`,
  )
}

/** Checks that every rung above the current one is for sale. Lower rungs do not matter: we never scale in. */
export function checkOffers({ name, ladder }: Policy, read: Read<Offer[]>, servers: number | null): Check {
  const subject = { what: "offers", supernode: name }
  if (!read.ok) return failedCheck(subject, `cannot be read: ${read.why}`)
  const above = ladder.filter((rung) => servers === null || rung.servers > servers)
  const listed = read.value.map(({ flavor }) => flavor)
  const missing = above.filter(({ flavor }) => !listed.includes(flavor)).map(({ flavor }) => flavor)
  if (missing.length > 0) {
    const todo = `listed: ${listed.join(", ") || "none"}; write one of these, or remove the rung from \`ladder\``
    return failedCheck(
      subject,
      `the cloud does not offer ${missing.join(", ")} for this supernode (scale-evaluations does not list it)`,
      todo,
    )
  }
  if (above.length === 0) return passedCheck(subject, "the supernode is on the highest rung of its ladder")
  const offered = read.value.filter((offer) => above.some(({ flavor }) => flavor === offer.flavor))
  const named = (offers: Offer[]) => offers.map(({ flavor }) => flavor).join(", ")
  const unclear = offered.filter(({ soldOut }) => soldOut === null)
  if (unclear.length > 0)
    return failedCheck(
      subject,
      `scale-evaluations does not say clearly whether ${named(unclear)} is sold out`,
    )
  const soldOut = offered.filter((offer) => offer.soldOut)
  const note = soldOut.length > 0 ? `; sold out now: ${named(soldOut)}` : ""
  return passedCheck(subject, `the cloud lists every larger rung (${above.length})${note}`)
}
