import type { Observation } from "../../lib/decision/state/observation.ts"
import type { SupernodeState } from "../../lib/decision/state/state.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import type { ReceivedRequest } from "../../lib/sandbox/received.ts"
import type { SandboxOrder } from "../../lib/sandbox/world/world.ts"
import { decidedAt, type Handover, signatureIn } from "./handover.ts"

// What one supernode's chain and the wire say about each other, by an account that believes none of our own folding. Whether
// a request was late is judged by what its sender wrote down; what arrived is only counted, whenever that was.

/** Where an attempt is by its entries: `open` may still be sent, `held` may have cost money, and the last two are over. */
export type Place = "open" | "held" | "bought" | "released"

export interface Attempt {
  id: string
  seq: number
  openedAt: number
  sendBefore: number
  flavor: string
  place: Place
  /** When it left `open`; null while it has not. */
  leftOpenAt: number | null
  /** All that happened to it, for the trace. */
  story: string[]
  sendings: Sending[]
  posts: ReceivedRequest[]
}

/** A request that a sender wrote down, and what became of it. */
export interface Sending {
  handover: Handover
  hasArrived: boolean
  /** Its sender was gone before we looked, and it had not arrived: it never will. */
  isLost: boolean
}

export interface Judge {
  /** Price of a server in hundredths of the currency; 0 where the policy states no prices. */
  readonly serverMinor: number
  /** Why this request should not have been sent when it was; null where it may. */
  whyNotToSend(handover: Handover, attempt: Attempt): string | null
}

export class Account {
  readonly attempts: Attempt[] = []
  readonly violations: string[] = []
  head: LedgerEntry | undefined
  /** By how long after its `sendBefore` the latest request was handed over; mostly below 0. */
  worstLatenessMs = Number.NEGATIVE_INFINITY
  readonly #name: string
  readonly #judge: Judge

  constructor(name: string, judge: Judge) {
    this.#name = name
    this.#judge = judge
  }

  get standing(): SupernodeState | null {
    return (this.head?.standing as SupernodeState | undefined) ?? null
  }

  /** The next entry of the chain. */
  follow(entry: LedgerEntry): void {
    if (entry.seq !== (this.head?.seq ?? 0) + 1 || entry.prev !== (this.head?.hash ?? ""))
      this.#violated(`#${entry.seq} does not follow #${this.head?.seq ?? 0}`)
    this.head = entry
    const { kind, attempt, outcome, observation, said } = entry
    if (kind === "opened" && attempt) this.#open(entry, attempt)
    if (kind === "settled" && attempt && outcome)
      this.#move({ entry, id: attempt.id, says: `settled ${outcome.kind}`, place: PLACES[outcome.kind] })
    if (said?.verb === "settle")
      this.#move({ entry, id: said.attempt, says: `said ${said.as}`, place: SAID[said.as] })
    if (observation?.attempt)
      this.#move({ entry, id: observation.attempt, says: observation.kind, place: placeAfter(observation) })
  }

  #open(entry: LedgerEntry, { id, openedAt, sendBefore }: NonNullable<LedgerEntry["attempt"]>): void {
    const before = this.attempts.at(-1)
    if (before && (before.place === "open" || before.place === "held"))
      this.#violated(`#${entry.seq} opened ${id} while ${before.id} is ${before.place}`, before)
    this.attempts.push({
      id,
      seq: entry.seq,
      openedAt,
      sendBefore,
      flavor: entry.plan?.flavor ?? "",
      place: "open",
      leftOpenAt: null,
      story: [`#${entry.seq} ${time(entry.at)} opened by run ${entry.run} for ${entry.plan?.flavor}`],
      sendings: [],
      posts: [],
    })
  }

  #move({ entry, id, says, place }: { entry: LedgerEntry; id: string; says: string; place: Place }): void {
    const attempt = this.attempts.find((one) => one.id === id)
    if (!attempt) {
      this.#violated(`#${entry.seq} ${says} an attempt that was never opened: ${id}`)
      return
    }
    attempt.story.push(`#${entry.seq} ${time(entry.at)} ${says}`)
    attempt.leftOpenAt ??= entry.at
    // A late answer does not reopen what was closed.
    if (attempt.place === "open" || attempt.place === "held") attempt.place = place
  }

  /** A request that is being sent; all entries that were there when it was handed over are known by now. Once for each. */
  handedOver(handover: Handover): void {
    const at = decidedAt(handover)
    const attempt = this.attempts.findLast(({ openedAt }) => openedAt <= at)
    if (!attempt) {
      this.#violated(`a request was handed over at ${time(at)}, and there is no attempt`)
      return
    }
    attempt.sendings.push({ handover, hasArrived: false, isLost: false })
    attempt.story.push(`${time(at)} handed over by process ${handover.pid}`)
    this.worstLatenessMs = Math.max(this.worstLatenessMs, at - attempt.sendBefore)
    const why = this.#judge.whyNotToSend(handover, attempt)
    if (why !== null) this.#violated(why, attempt)
  }

  /** A request that arrived; its handover is known by now. Once for each. */
  arrived(post: ReceivedRequest): void {
    const signature = signatureIn(String(post.headers["authorization"]))
    const attempt = this.attempts.find(({ sendings }) => sendings.some(isWaitedFor(signature)))
    const sending = attempt?.sendings.find(isWaitedFor(signature))
    if (!attempt || !sending) {
      this.#violated(`a POST at ${time(post.at)} that no sender wrote down`)
      return
    }
    sending.hasArrived = true
    attempt.posts.push(post)
    attempt.story.push(`${time(post.at)} POST ${post.requestId}`)
    if (attempt.posts.length > 1) this.#violated(`${attempt.posts.length} POSTs`, attempt)
    if (post.isComplete && !post.body.includes(`"flavor":"${attempt.flavor}"`))
      this.#violated(`a POST for something else: ${post.body}`, attempt)
  }

  /** The sandbox was asked what had arrived when only these processes were there to send anything. */
  lookedWhile(living: ReadonlySet<number>): void {
    for (const sending of this.attempts.flatMap(({ sendings }) => sendings))
      if (!sending.hasArrived && !living.has(sending.handover.pid)) sending.isLost = true
  }

  /** Whether a request of that attempt may still arrive: what the orders show is not the last word then. */
  isOnItsWay(id: string): boolean {
    const sendings = this.attempts.find((one) => one.id === id)?.sendings ?? []
    return sendings.some(({ hasArrived, isLost }) => !hasArrived && !isLost)
  }

  /** What the wire, the orders and the chain must agree on at any time. */
  check(orders: readonly SandboxOrder[]): void {
    for (const attempt of this.attempts) {
      const { posts, sendings, leftOpenAt, place } = attempt
      const late = sendings.find(({ handover }) => leftOpenAt !== null && decidedAt(handover) > leftOpenAt)
      if (late) this.#violated("a request was sent when the attempt was not open any more", attempt)
      const order = orders.find(({ requestId }) => posts.some((post) => post.requestId === requestId))
      if (order && place === "released")
        this.#violated(`is released, and order ${order.orderId} exists`, attempt)
    }
    const spent = orders.reduce((sum, { from, to }) => sum + (to - from) * this.#judge.serverMinor, 0)
    const counted = (this.standing?.purchases ?? []).reduce((sum, { cost }) => sum + (cost?.minor ?? 0), 0)
    if (counted < spent)
      this.#violated(`${counted / 100} CNY are reserved or booked, ${spent / 100} are spent`)
  }

  /** When nothing is in flight any more: neither more nor less is booked than was ordered. */
  checkAtRest(orders: readonly SandboxOrder[]): void {
    const { attempt, purchases = [] } = this.standing ?? {}
    if (attempt) this.#violated(`is still ${attempt.state} at the end: ${attempt.says}`, this.attempts.at(-1))
    const bought = this.attempts.filter(({ place }) => place === "bought").length
    if (bought !== orders.length)
      this.#violated(`${bought} attempts bought something, ${orders.length} orders stand`)
    if (purchases.length !== orders.length)
      this.#violated(`${purchases.length} purchases are booked, ${orders.length} orders stand`)
  }

  /** The same violation is reported once. */
  #violated(says: string, attempt?: Attempt): void {
    const told = `${this.#name}: ${says}${attempt ? `\n    ${[attempt.id, ...attempt.story].join("\n    ")}` : ""}`
    if (!this.violations.includes(told)) this.violations.push(told)
  }
}

function isWaitedFor(signature: string): (sending: Sending) => boolean {
  return ({ handover, hasArrived }) => !hasArrived && handover.signature === signature
}

const PLACES = { accepted: "held", unknown: "held", rejected: "released", "not-sent": "released" } as const
const SAID = { accepted: "held", completed: "bought", absent: "released" } as const

function placeAfter({ kind }: Observation): Place {
  return kind === "completed" ? "bought" : "held"
}

function time(at: number): string {
  return new Date(at).toISOString().slice(11, 23)
}
