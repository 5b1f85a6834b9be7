import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import { CONTROL_STREAM, FLEET_STREAM } from "../../lib/ledger/next-entry.ts"
import type { RawEntry } from "../../lib/ledger/store.ts"
import { type BuyOrder, LedgerError } from "../../lib/ports.ts"
import type { Copy } from "../world/chains.ts"
import { Book } from "./book.ts"
import { whyNotOpen } from "./fleet.ts"
import { Forgotten } from "./forgotten.ts"
import type { Machine, Process } from "./machine.ts"
import { whyNotToBuy } from "./may-buy.ts"
import { SentNotifications } from "./sent-notifications.ts"
import { Stops } from "./stops.ts"
import type { SimulatedSupernode } from "./supernode.ts"
import { FileTurns } from "./two-files.ts"
import type { World } from "./world.ts"

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

export interface Posted {
  supernode: SimulatedSupernode
  order: BuyOrder
  run: string
  machine: Machine
  process: Process
}

/** Observes the store and the wire in true order, and reports violations. */
export class Watch {
  readonly violations: string[] = []
  readonly books = new Map<string, Book>()
  readonly stops = new Stops()
  notifications: SentNotifications
  readonly forgotten: Forgotten
  readonly #links = new Map<string, { seq: number; hash: string }>()
  readonly #turns = new Map<string, FileTurns>()
  /** Reservations under caps across supernodes. */
  readonly #reserved = new Set<string>()
  /** True time at which a run last began to read stream `control`. */
  readonly #controlReads = new Map<string, number>()
  /** Runs that got a response of the cloud with a time. */
  readonly #dated = new Set<string>()
  readonly #log: { entry: LedgerEntry; raw: RawEntry; at: number }[] = []
  mostPosts = 0

  constructor(private readonly world: World) {
    this.notifications = new SentNotifications(world)
    this.forgotten = new Forgotten(world)
  }

  /** True time at which the ledger last lost entries. */
  get forgotAt(): number {
    return this.forgotten.at
  }

  looksAt(run: string, supernode: SimulatedSupernode): void {
    this.forgotten.looksAt(run, supernode)
  }

  hasForgottenOrder(supernode: SimulatedSupernode): boolean {
    return this.forgotten.ordersOf(supernode).length > 0
  }

  /** An entry in a ledger that the policy does not name. */
  storedElsewhere({ stream, kind }: LedgerEntry): void {
    if (stream !== CONTROL_STREAM)
      this.broken("other-ledger", `${stream} got a ${kind} entry in another ledger`)
  }

  /** The ledger contains only these entries from now on. All checks start again with them. */
  forgetBut(kept: Copy<RawEntry>): void {
    const texts = new Set([...kept.values()].flat().map(({ text }) => text))
    const entries = this.#log.filter(({ raw }) => texts.has(raw.text))
    this.books.clear()
    this.#links.clear()
    this.#turns.clear()
    this.#reserved.clear()
    this.#log.length = 0
    this.stops.forgetAll()
    this.notifications = new SentNotifications(this.world)
    for (const { entry, raw, at } of entries) this.#learn(entry, raw, at)
    this.forgotten.begin(kept)
  }

  /** Records an entry without checking it. */
  #learn(entry: LedgerEntry, raw: RawEntry, at: number): void {
    const { stream } = entry
    this.#log.push({ entry, raw, at })
    this.#links.set(stream, { seq: raw.seq, hash: entry.hash })
    if (stream === CONTROL_STREAM) this.stops.stored(entry, at)
    this.#learnReservation(entry)
    const supernode = this.world.supernodes.find((candidate) => candidate.stream === stream)
    if (!supernode) return
    this.#turnsOf(stream).stored(entry)
    this.bookOf(supernode).stored(entry, at)
    this.notifications.stored(entry)
  }

  #learnReservation({ stream, kind, fleet }: LedgerEntry): void {
    if (stream !== FLEET_STREAM || kind !== "opened" || !fleet) return
    const { id, stream: of, seq } = fleet.reservation
    this.#reserved.add(`${id} ${of}#${seq}`)
  }

  bookOf(supernode: SimulatedSupernode): Book {
    const book = this.books.get(supernode.stream) ?? new Book(supernode)
    this.books.set(supernode.stream, book)
    return book
  }

  #turnsOf(stream: string): FileTurns {
    const turns = this.#turns.get(stream) ?? new FileTurns()
    this.#turns.set(stream, turns)
    return turns
  }

  broken(rule: string, says: string): void {
    this.violations.push(`${rule}: ${says}`)
    this.world.trace(`VIOLATION ${rule}: ${says}`)
  }

  /** Records that a response to this run had a time. */
  confirmsTime(run: string): void {
    this.#dated.add(run)
  }

  readsControl(run: string): void {
    this.#controlReads.set(run, this.world.scheduler.now)
  }

  /** Checks every entry when it is stored. */
  stored(entry: LedgerEntry, raw: RawEntry): void {
    const { now } = this.world.scheduler
    const { stream, kind } = entry
    const before = this.#links.get(stream) ?? { seq: 0, hash: "" }
    if (raw.seq !== before.seq + 1 || entry.prev !== before.hash)
      this.broken("chain-is-dense", `${stream}#${raw.seq} was stored after #${before.seq}`)
    this.#links.set(stream, { seq: raw.seq, hash: entry.hash })
    if (this.world.ledgerTrouble !== null) this.#log.push({ entry, raw, at: now })
    this.world.trace(`${stream.slice(0, 20)}#${entry.seq} ${kind} ${sayEntry(entry)}`)
    if (stream === CONTROL_STREAM) {
      this.stops.stored(entry, now)
      this.forgotten.said(entry)
      return
    }
    this.#learnReservation(entry)
    const supernode = this.world.supernodes.find((candidate) => candidate.stream === stream)
    if (supernode) this.#storedOf(supernode, entry)
  }

  #storedOf(supernode: SimulatedSupernode, entry: LedgerEntry): void {
    const book = this.bookOf(supernode)
    const { now } = this.world.scheduler
    this.#checkSignal(book, entry)
    if (entry.kind === "opened" && book.inFlight.length > 0) {
      const [other] = book.inFlight
      this.broken("one-attempt", `${entry.attempt?.id} was opened while ${other?.id} is ${other?.state}`)
    }
    const place = `${entry.attempt?.id} ${entry.stream}#${entry.seq}`
    if (entry.kind === "opened" && supernode.policy.fleet && !this.#reserved.has(place))
      this.broken("reserve-before-open", `${place} was opened without a place under the fleet's caps`)
    this.#checkSettlement(supernode, entry)
    this.#checkObservation(book, entry)
    this.#checkEffect(supernode, book, entry)
    if (entry.said?.verb === "reset") this.forgotten.reset(supernode)
    book.stored(entry, now)
    this.notifications.stored(entry)
    const tooMuch = entry.kind === "opened" && supernode.policy.fleet ? whyNotOpen(this.world) : null
    if (tooMuch) this.broken("fleet-opened", tooMuch)
    if (entry.outcome?.kind === "unknown" || entry.observation?.kind === "unknown")
      this.world.count("unknowns")
    this.#checkMoney(supernode, entry)
    this.#checkState(book, entry)
    this.#checkFiles(supernode, entry)
  }

  /** A supernode has one policy file: while two alternate, no attempt may be opened. */
  #checkFiles({ stream, policy }: SimulatedSupernode, entry: LedgerEntry): void {
    const turns = this.#turnsOf(stream)
    turns.stored(entry)
    const why = entry.kind === "opened" ? turns.whyNot(entry.at) : null
    if (why) this.broken("one-policy-file", `${policy.name}: ${entry.attempt?.id} was opened, and ${why}`)
  }

  /** Checks that the state stays small, and remembers only signals that led to an attempt. */
  #checkState(book: Book, { standing, stream, seq }: LedgerEntry): void {
    const kept = "signals" in standing ? Object.keys(standing.signals) : []
    const held = kept.find((id) => !book.signals.has(id))
    if (held) this.broken("state-is-small", `${stream}#${seq} remembers ${held}, which led to no attempt`)
    const bytes = JSON.stringify(standing).length
    if (bytes > 16 * 1024) this.broken("state-is-small", `${stream}#${seq} has a state of ${bytes} bytes`)
  }

  /** Checks that no other run decides by a signal that led to an attempt. */
  #checkSignal(book: Book, { kind, signal, run, seq }: LedgerEntry): void {
    const first =
      signal && (kind === "decided" || kind === "opened") ? book.signals.get(signal.id) : undefined
    // The chain remembers a signal until it is stale by its own time; after that its age refuses it. A signal
    // that only held may come again.
    const rememberedMs = signal?.kind === "request" ? DAY : 15 * MINUTE
    if (!signal || !first || first.run === run) return
    if (this.world.scheduler.now > Math.max(first.at, signal.at) + rememberedMs) return
    // A clock hours ahead made the chain forget the signal early; then the gates must decide on it.
    if (book.datedAheadAt >= first.storedAt) return
    this.broken(
      "one-decision-per-signal",
      `${signal.id} led to an attempt of ${first.run}, and ${run} decided by it in #${seq}`,
    )
  }

  /** Checks that a recorded outcome is the true one. */
  #checkSettlement(supernode: SimulatedSupernode, { kind, attempt, outcome }: LedgerEntry): void {
    if (kind !== "settled" || !attempt || !outcome) return
    const order = supernode.orderFor(attempt.id)
    const fate = order?.fate ?? "never sent"
    const mayBe = { "not-sent": ["never sent"], rejected: ["refused"], accepted: ["accepted"], unknown: null }
    if (mayBe[outcome.kind]?.includes(fate) === false)
      this.broken("outcome-is-true", `${attempt.id} was settled as ${outcome.kind}, and it was ${fate}`)
  }

  /**
   * Checks that no attempt is stuck or partial before 45 minutes have passed, unless all clocks may be ahead.
   */
  #checkObservation(book: Book, { observation }: LedgerEntry): void {
    if (observation?.kind !== "stuck" && observation?.kind !== "partial") return
    const acceptedAt = book.trades.get(observation.attempt ?? "")?.acceptedAt ?? Infinity
    const minutes = Math.round((this.world.scheduler.now - acceptedAt) / MINUTE)
    if (minutes < 43 && !this.world.mayAllClocksBeAhead())
      this.broken(
        "stuck-after-45-minutes",
        `${observation.attempt} was called ${observation.kind} after ${minutes} minutes`,
      )
  }

  /** Checks that an effect agrees with the true load, in N periods that all began after warm-up. */
  #checkEffect({ load, policy }: SimulatedSupernode, book: Book, { observation }: LedgerEntry): void {
    const { effect, attempt } = observation ?? {}
    if (!effect) return
    const { now } = this.world.scheduler
    const cause = book.trades.get(attempt ?? "")?.entry.decision?.target?.cause
    const rule = policy.rules.find(({ name }) => name === cause?.rule)
    const periodMs = rule?.metric["cloud-eye"]?.period ?? 0
    const stretchMs = (rule?.points.n ?? 0) * periodMs + (rule?.metric.lag ?? 0)
    const warmAt = (book.completedAt ?? Infinity) + policy.warmupMs
    if (now + 2 * MINUTE < warmAt + stretchMs)
      this.broken("effect-is-early", `${attempt} was measured before its periods were over`)
    const values: number[] = []
    // A run that freezes after its reads records the effect later, with the time of its reads.
    const lookedAt = Math.min(now, observation?.at ?? now)
    for (let at = lookedAt - stretchMs - periodMs - 10 * MINUTE; at <= now; at += MINUTE / 2)
      values.push(load.at(at))
    if (effect.after < Math.min(...values) || effect.after > Math.max(...values))
      this.broken("effect-is-true", `${attempt} was said to have brought it to ${effect.after}`)
  }

  /** Checks that the ledger has reserved or booked every order that may cost money. */
  #checkMoney(supernode: SimulatedSupernode, { standing, seq }: LedgerEntry): void {
    const { trades } = this.bookOf(supernode)
    const kept = "purchases" in standing ? standing.purchases.map(({ attempt }) => attempt) : []
    for (const order of supernode.orders) {
      if (order.fate === "refused" || order.fate === "lost" || order.wasTakenForAbsent) continue
      if (!trades.has(order.attempt)) continue // It was lost with its ledger.
      if (!kept.includes(order.attempt))
        this.broken(
          "money-is-counted",
          `${order.attempt} may cost money, and #${seq} neither reserves nor books it`,
        )
    }
  }

  /** Checks a request when it is sent: the only step that cannot be undone. */
  posted(posted: Posted): void {
    const { supernode, order, run, machine } = posted
    const { now } = this.world.scheduler
    const book = this.bookOf(supernode)
    const trade = book.trades.get(order.attempt)
    this.world.count("posts")
    this.world.trace(
      `${machine.name} ${run} POSTs ${order.attempt}: ${order.plan.from} to ${order.plan.to} servers`,
    )
    if (!this.#dated.has(run))
      this.broken("time-is-confirmed", `${order.attempt} was sent, and no answer named a time`)
    const readAt = this.#controlReads.get(run) ?? -Infinity
    // The run last read before entries were lost, so it cannot know of the loss.
    if (readAt < this.forgotAt) return
    for (const [rule, says] of this.forgotten.whyNot(posted)) this.broken(rule, says)
    if (!trade) {
      this.broken("open-before-buy", `${order.attempt} was sent, and no such attempt is on record`)
      return
    }
    trade.posts += 1
    this.mostPosts = Math.max(this.mostPosts, trade.posts)
    if (trade.posts > 1) this.broken("one-post", `${order.attempt} was sent ${trade.posts} times`)
    // A machine whose monotonic clock stops has only its wall clock, which may be a minute behind the
    // ledger's.
    const within = 30_000 + (machine.monotonicStops ? MINUTE : 0) + 1_000
    if (now - trade.openedAt > within)
      this.broken(
        "nothing-after-send-before",
        `${order.attempt} was sent ${(now - trade.openedAt) / 1_000} s after it was opened`,
      )
    const others = book.inFlight.filter(({ id }) => id !== order.attempt)
    if (others.length > 0)
      this.broken("one-attempt", `${order.attempt} was sent while ${others[0]?.id} is ${others[0]?.state}`)
    if (trade.state !== "open" && trade.state !== "unknown")
      this.broken("nothing-after-settlement", `${order.attempt} was sent when it was ${trade.state}`)
    const stop = this.stops.inForceAt({
      id: supernode.policy.id,
      at: Math.max(readAt, trade.openedAt),
      signal: trade.entry.signal,
    })
    if (stop) this.broken("nothing-while-paused", `${order.attempt} was sent, and ${stop}`)
    for (const [rule, says] of whyNotToBuy({ world: this.world, supernode, book, trade, order }))
      this.broken(rule, says)
  }

  /** Checks that a finished run has settled every attempt that it opened, or has thrown a LedgerError. */
  ended(run: string, supernode: SimulatedSupernode, error: unknown): void {
    if (error !== null) {
      const isLedgers = error instanceof LedgerError || (error as Error).name === "LedgerError"
      if (!isLedgers) this.broken("only-ledger-errors", `${run} threw ${String(error)}`)
      return
    }
    for (const trade of this.bookOf(supernode).trades.values()) {
      if (trade.run === run && trade.settledAt === null && trade.openedAt > this.forgotAt)
        this.broken("a-run-settles-what-it-opens", `${run} ended and left ${trade.id} open`)
    }
  }
}

function sayEntry({ decision, outcome, observation, said, attempt }: LedgerEntry): string {
  const target = decision?.target ? ` ${decision.target.from}->${decision.target.to}` : ""
  return [
    attempt?.id ?? "",
    decision ? `${decision.heldBy ?? decision.kind}${target}` : "",
    outcome ? `${outcome.kind}${"reason" in outcome ? ` ${outcome.reason}` : ""}` : "",
    observation ? `${observation.attempt ?? ""} ${observation.kind}: ${observation.says}` : "",
    said ? `${said.verb}${said.verb === "settle" ? ` ${said.attempt} as ${said.as}` : ""}` : "",
  ]
    .filter((part) => part !== "")
    .join(" ")
}
