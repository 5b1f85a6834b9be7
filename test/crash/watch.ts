import type { Observation } from "../../lib/decision/state/observation.ts"
import type { SupernodeState } from "../../lib/decision/state/state.ts"
import { CrossCheck } from "../../lib/ledger/cross-check.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import { CONTROL_STREAM, FLEET_STREAM } from "../../lib/ledger/next-entry.ts"
import { CHAIN_START, type Link, linkProblem } from "../../lib/ledger/verify.ts"
import type { BuyOrder, Notification } from "../../lib/ports.ts"
import { HOUR } from "../decision/builders.ts"
import { verifyEntries } from "../ledger/verify-entries.ts"
import type { TrueOrder } from "../world/order.ts"
import { SEND_WITHIN_MS } from "../world/task.ts"
import { costOf, type Environment } from "./environment.ts"

// Checks the guarantees at every step, independent of the program's fold: it keeps its own short account of
// each attempt, from the entries alone.

type Account = "open" | "in-flight" | "unknown" | "held" | "closed"

interface Attempt {
  /** Stream of its supernode. */
  stream: string
  account: Account
  /** True time and step of its `opened` entry, whatever the worker's clock said. */
  openedAt: number
  openedStep: number
  posts: number
}

export class Watch {
  readonly violations: string[] = []
  readonly #environment: Environment
  readonly #attempts = new Map<string, Attempt>()
  /** Step since which a pause is active. */
  #pausedSince: number | null = null

  readonly #told = new Map<string, number[]>()
  readonly #links = new Map<string, Link>()
  /** `stream#seq attempt` of every reservation under the fleet's caps. */
  readonly #reserved = new Set<string>()

  constructor(environment: Environment) {
    this.#environment = environment
  }

  forkFor(environment: Environment): Watch {
    const other = new Watch(environment)
    other.violations.push(...this.violations)
    for (const [id, attempt] of this.#attempts) other.#attempts.set(id, { ...attempt })
    for (const [stream, link] of this.#links) other.#links.set(stream, link)
    for (const reservation of this.#reserved) other.#reserved.add(reservation)
    other.#pausedSince = this.#pausedSince
    return other
  }

  get mostPosts(): number {
    return Math.max(0, ...[...this.#attempts.values()].map((attempt) => attempt.posts))
  }

  violated(says: string): void {
    this.violations.push(says)
  }

  appended(entry: LedgerEntry): void {
    this.#checkLink(entry)
    if (entry.stream === CONTROL_STREAM) this.#word(entry)
    else if (entry.stream === FLEET_STREAM) this.#reserve(entry)
    else this.#follow(entry)
    if (entry.stream !== CONTROL_STREAM) this.checkMoney(`${entry.kind} #${entry.seq}`)
  }

  #reserve({ kind, fleet }: LedgerEntry): void {
    if (kind !== "opened" || !fleet) return
    const { stream, seq, id } = fleet.reservation
    this.#reserved.add(`${stream}#${seq} ${id}`)
  }

  /**
   * A notification comes after the entry that states it, with its hash. It comes at most hourly, or sooner
   * after a failed try, and once for each claim.
   */
  notified({ about, entry }: Notification): void {
    const notifications = this.#told.get(about) ?? []
    const last = this.#hasFailed(entry.stream, about) ? undefined : notifications.at(-1)
    // An event is notified again if a worker vanished after its claim; it may come back hours later.
    if (last !== undefined && !about.startsWith("purchase ") && this.#environment.now - last < HOUR)
      this.violated(`${about} was notified twice within an hour`)
    this.#told.set(about, [...notifications, this.#environment.now])
    const claims = this.#notes(entry.stream, about).filter((kind) => kind === "telling")
    if (claims.length <= notifications.length)
      this.violated(`${about} was notified more often than it was claimed`)
    if (this.#environment.entries(entry.stream, entry.seq, entry.seq)[0]?.hash !== entry.hash)
      this.violated(`${about} was notified by an entry that is not in the ledger`)
  }

  #hasFailed(stream: string, about: string): boolean {
    return this.#notes(stream, about).findLast((kind) => kind !== "telling") === "not-told"
  }

  #notes(stream: string, about: string): string[] {
    const notes = this.#environment.entries(stream).map(({ observation }) => observation)
    return notes.flatMap((note) => (note?.telling?.about === about ? [note.kind] : []))
  }

  #word({ said }: LedgerEntry): void {
    if (said?.verb === "pause") this.#pausedSince ??= this.#environment.step
    if (said?.verb === "resume") this.#pausedSince = null
  }

  #follow({ stream, kind, seq, attempt, outcome, observation, said }: LedgerEntry): void {
    if (kind === "opened" && attempt) {
      if (this.#environment.policy.fleet && !this.#reserved.has(`${stream}#${seq} ${attempt.id}`))
        this.violated(`#${seq} opened ${attempt.id} without a place under the fleet's caps`)
      const others = this.#openOf(stream)
      if (others.length > 0) this.violated(`#${seq} opened an attempt while ${others[0]?.[0]} was not closed`)
      if (this.#attempts.has(attempt.id)) this.violated(`#${seq} opened ${attempt.id} a second time`)
      this.#attempts.set(attempt.id, {
        stream,
        account: "open",
        openedAt: this.#environment.now,
        openedStep: this.#environment.step,
        posts: 0,
      })
    }
    const settled = {
      accepted: "in-flight",
      unknown: "unknown",
      rejected: "closed",
      "not-sent": "closed",
    } as const
    if (kind === "settled" && attempt && outcome) this.#move(attempt.id, settled[outcome.kind])
    if (said?.verb === "settle") this.#move(said.attempt, said.as === "accepted" ? "in-flight" : "closed")
    if (observation?.kind === "lapsed") {
      if (this.#attempts.has(observation.attempt ?? ""))
        this.violated(`${observation.attempt} was opened, and called lapsed in #${seq}`)
    } else if (observation?.attempt)
      this.#move(
        observation.attempt,
        observation.kind === "completed" ? "closed" : accountOf(observation.kind),
      )
  }

  #openOf(stream: string): [string, Attempt][] {
    return [...this.#attempts].filter(([, one]) => one.stream === stream && one.account !== "closed")
  }

  #move(id: string, account: Account): void {
    const attempt = this.#attempts.get(id)
    if (!attempt) this.violated(`${id} was settled and never opened`)
    // An attempt that a person or the evidence closed stays closed: a late response alone does not open it
    // again.
    else if (attempt.account !== "closed") attempt.account = account
  }

  /** Right before the request's first byte. */
  sending(order: BuyOrder, { controlReadAt, present }: { controlReadAt: number; present: number }): void {
    const attempt = this.#attempts.get(order.attempt)
    if (!attempt) {
      this.violated(`${order.attempt} was sent and never opened`)
      return
    }
    attempt.posts += 1
    if (attempt.posts > 1) this.violated(`${order.attempt} was sent ${attempt.posts} times`)
    if (attempt.account !== "open") this.violated(`${order.attempt} was sent when it was ${attempt.account}`)
    for (const [id, other] of this.#openOf(attempt.stream))
      if (other !== attempt) this.violated(`${order.attempt} was sent while ${id} was ${other.account}`)
    if (this.#environment.now - attempt.openedAt > SEND_WITHIN_MS)
      this.violated(
        `${order.attempt} was sent ${this.#environment.now - attempt.openedAt} ms after it was opened`,
      )
    if (controlReadAt <= attempt.openedStep)
      this.violated(`${order.attempt} was sent without a second look at control`)
    if (this.#pausedSince !== null && this.#pausedSince < controlReadAt)
      this.violated(`${order.attempt} was sent though a pause was said before the second look at control`)
    if (order.plan.to <= present)
      this.violated(`${order.attempt} orders ${order.plan.to} servers, ${present} are there`)
  }

  /** Reserved and booked money is never less than the cloud's orders, and never more than the cap. */
  checkMoney(when: string): void {
    for (const { stream, policy, accepted } of this.#environment.supernodes) {
      const standing = this.#environment.head(stream)?.standing as SupernodeState | undefined
      const known = (standing?.purchases ?? []).reduce((sum, { cost }) => sum + (cost?.minor ?? 0), 0) / 100
      const spent = sumOf(accepted)
      if (known < spent)
        this.violated(`at ${when} ${known} CNY are reserved or booked, and ${spent} are spent`)
      const cap = policy.limits.budget
      if (cap && spent > cap.minor / 100)
        this.violated(`at ${when} ${spent} CNY are spent, ${cap.minor / 100} are allowed`)
    }
    this.#checkFleet(when)
  }

  /** All of a history lies within the caps' windows. */
  #checkFleet(when: string): void {
    const { taken, policy } = this.#environment
    const { actions, budget } = policy.fleet ?? {}
    if (actions && taken.length > actions.count)
      this.violated(`at ${when} ${taken.length} purchases of all supernodes, ${actions.count} are allowed`)
    if (budget && sumOf(taken) > budget.minor / 100)
      this.violated(`at ${when} ${sumOf(taken)} CNY of all supernodes, ${budget.minor / 100} are allowed`)
  }

  /** At every step the chain has no gap and no fork. */
  #checkLink(entry: LedgerEntry): void {
    const before = this.#links.get(entry.stream) ?? CHAIN_START
    const problem = linkProblem(before, entry)
    if (problem !== null) this.violated(`${entry.stream} #${entry.seq} ${problem}`)
    this.#links.set(entry.stream, { seq: entry.seq, hash: entry.hash })
  }

  /** Checks whole chains as `audit verify` does, hash by hash. */
  async verifyChains(): Promise<void> {
    for (const stream of this.#environment.streams()) {
      const verified = await verifyEntries(this.#environment.entries(stream))
      if (!verified.ok) this.violated(`${stream} #${verified.seq} ${verified.problem}`)
    }
    const cross = new CrossCheck()
    for (const stream of this.#environment.streams())
      for (const entry of this.#environment.entries(stream)) cross.see(entry)
    for (const { stream, seq, problem } of cross.problems(() => true))
      this.violated(`${stream} #${seq} ${problem}`)
  }
}

function sumOf(orders: readonly TrueOrder[]): number {
  return orders.reduce((sum, order) => sum + costOf(order), 0)
}

function accountOf(kind: Observation["kind"]): Account {
  if (kind === "unknown") return "unknown"
  return kind === "accepted" ? "in-flight" : "held"
}
