import type { Observation } from "../../lib/decision/state/observation.ts"
import type { SupernodeState } from "../../lib/decision/state/state.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import type { ReceivedRequest } from "../../lib/sandbox/received.ts"
import type { SandboxOrder } from "../../lib/sandbox/world/world.ts"
import { decidedAt, type Handover, signatureIn } from "./handover.ts"

// Compares one supernode's chain with the wire, by a separate account that does not use our own folding. A
// request is late or not by the record of its sender. Requests that arrived are only counted, at whatever
// time.

/**
 * State of an attempt by its entries: `open` may still be sent, `held` may have cost money, the last two are
 * final.
 */
export type AttemptState = "open" | "held" | "bought" | "released"

export interface Attempt {
  id: string
  seq: number
  openedAt: number
  sendBefore: number
  flavor: string
  state: AttemptState
  /** Time when it left `open`; `null` while it is open. */
  leftOpenAt: number | null
  /** All its events, for the trace. */
  story: string[]
  sendings: Sending[]
  posts: ReceivedRequest[]
}

/** A request that its sender recorded, and its fate. */
export interface Sending {
  handover: Handover
  hasArrived: boolean
  /** True if it had not arrived and its sender had ended when we looked: it never arrives. */
  isLost: boolean
}

export interface Judge {
  /** Price of a server in hundredths of the currency; 0 if the policy has no prices. */
  readonly serverMinor: number
  /** Reason why this request should not have been sent at its time; `null` if it was allowed. */
  whyNotToSend(handover: Handover, attempt: Attempt): string | null
}

export class Account {
  readonly attempts: Attempt[] = []
  readonly violations: string[] = []
  head: LedgerEntry | undefined
  /** Greatest delay of a handover after its `sendBefore`, in milliseconds. Usually negative. */
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

  /** Takes the next entry of the chain. */
  follow(entry: LedgerEntry): void {
    if (entry.seq !== (this.head?.seq ?? 0) + 1 || entry.prev !== (this.head?.hash ?? ""))
      this.#violated(`#${entry.seq} does not follow #${this.head?.seq ?? 0}`)
    this.head = entry
    const { kind, attempt, outcome, observation, said } = entry
    if (kind === "opened" && attempt) this.#open(entry, attempt)
    if (kind === "settled" && attempt && outcome)
      this.#move({ entry, id: attempt.id, says: `settled ${outcome.kind}`, state: STATES[outcome.kind] })
    if (said?.verb === "settle")
      this.#move({ entry, id: said.attempt, says: `said ${said.as}`, state: SAID[said.as] })
    if (observation?.attempt)
      this.#move({ entry, id: observation.attempt, says: observation.kind, state: stateAfter(observation) })
  }

  #open(entry: LedgerEntry, { id, openedAt, sendBefore }: NonNullable<LedgerEntry["attempt"]>): void {
    const before = this.attempts.at(-1)
    if (before && (before.state === "open" || before.state === "held"))
      this.#violated(`#${entry.seq} opened ${id} while ${before.id} is ${before.state}`, before)
    this.attempts.push({
      id,
      seq: entry.seq,
      openedAt,
      sendBefore,
      flavor: entry.plan?.flavor ?? "",
      state: "open",
      leftOpenAt: null,
      story: [`#${entry.seq} ${time(entry.at)} opened by run ${entry.run} for ${entry.plan?.flavor}`],
      sendings: [],
      posts: [],
    })
  }

  #move({
    entry,
    id,
    says,
    state,
  }: {
    entry: LedgerEntry
    id: string
    says: string
    state: AttemptState
  }): void {
    const attempt = this.attempts.find((one) => one.id === id)
    if (!attempt) {
      this.#violated(`#${entry.seq} ${says} an attempt that was never opened: ${id}`)
      return
    }
    attempt.story.push(`#${entry.seq} ${time(entry.at)} ${says}`)
    attempt.leftOpenAt ??= entry.at
    // A late response does not reopen a final attempt.
    if (attempt.state === "open" || attempt.state === "held") attempt.state = state
  }

  /**
   * Takes one request that is sent; called once for each, after `follow` of all entries from before its
   * handover.
   */
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

  /** Takes one request that arrived; called once for each, after `handedOver` of the same request. */
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

  /**
   * Marks requests as lost that had not arrived at the last look. `living`: the processes that could still
   * send then.
   */
  lookedWhile(living: ReadonlySet<number>): void {
    for (const sending of this.attempts.flatMap(({ sendings }) => sendings))
      if (!sending.hasArrived && !living.has(sending.handover.pid)) sending.isLost = true
  }

  /** True if a request of that attempt may still arrive. Then the list of orders is not final. */
  isOnItsWay(id: string): boolean {
    const sendings = this.attempts.find((one) => one.id === id)?.sendings ?? []
    return sendings.some(({ hasArrived, isLost }) => !hasArrived && !isLost)
  }

  /** Checks what the wire, the orders and the chain must agree on at any time. */
  check(orders: readonly SandboxOrder[]): void {
    for (const attempt of this.attempts) {
      const { posts, sendings, leftOpenAt, state } = attempt
      const late = sendings.find(({ handover }) => leftOpenAt !== null && decidedAt(handover) > leftOpenAt)
      if (late) this.#violated("a request was sent when the attempt was not open any more", attempt)
      const order = orders.find(({ requestId }) => posts.some((post) => post.requestId === requestId))
      if (order && state === "released")
        this.#violated(`is released, and order ${order.orderId} exists`, attempt)
    }
    const spent = orders.reduce((sum, { from, to }) => sum + (to - from) * this.#judge.serverMinor, 0)
    const counted = (this.standing?.purchases ?? []).reduce((sum, { cost }) => sum + (cost?.minor ?? 0), 0)
    if (counted < spent)
      this.#violated(`${counted / 100} CNY are reserved or booked, ${spent / 100} are spent`)
  }

  /** Checks, when nothing is in flight, that exactly the purchases that were ordered are booked. */
  checkAtRest(orders: readonly SandboxOrder[]): void {
    const { attempt, purchases = [] } = this.standing ?? {}
    if (attempt) this.#violated(`is still ${attempt.state} at the end: ${attempt.says}`, this.attempts.at(-1))
    const bought = this.attempts.filter(({ state }) => state === "bought").length
    if (bought !== orders.length)
      this.#violated(`${bought} attempts bought something, ${orders.length} orders stand`)
    if (purchases.length !== orders.length)
      this.#violated(`${purchases.length} purchases are booked, ${orders.length} orders stand`)
  }

  /** Records a violation, once for the same text. */
  #violated(says: string, attempt?: Attempt): void {
    const told = `${this.#name}: ${says}${attempt ? `\n    ${[attempt.id, ...attempt.story].join("\n    ")}` : ""}`
    if (!this.violations.includes(told)) this.violations.push(told)
  }
}

function isWaitedFor(signature: string): (sending: Sending) => boolean {
  return ({ handover, hasArrived }) => !hasArrived && handover.signature === signature
}

const STATES = { accepted: "held", unknown: "held", rejected: "released", "not-sent": "released" } as const
const SAID = { accepted: "held", completed: "bought", absent: "released" } as const

function stateAfter({ kind }: Observation): AttemptState {
  return kind === "completed" ? "bought" : "held"
}

function time(at: number): string {
  return new Date(at).toISOString().slice(11, 23)
}
