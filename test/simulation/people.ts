import { activeStop, type OperatorCommand } from "../../lib/decision/state/control.ts"
import { commandAll } from "../../lib/ledger/commands.ts"
import { CONTROL_STREAM, controlOf, stateOf } from "../../lib/ledger/next-entry.ts"
import { requestOf } from "../decision/builders.ts"
import { reset, settle } from "../world/operator.ts"
import { Machine } from "./machine.ts"
import { mendInConsole, missingIn, wordFor } from "./settling.ts"
import type { SimulatedSupernode } from "./supernode.ts"
import type { World } from "./world.ts"

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/**
 * Operators. They know the truth, settle attempts within the hour, and sometimes pause or request purchases.
 */
export class People {
  readonly #machine: Machine
  /** True once faults are over: operators only settle, and no longer pause or request. */
  isQuiet = false
  #isStopping = false

  constructor(private readonly world: World) {
    this.#machine = new Machine(world, "office", true)
  }

  start(): void {
    void this.#again([10, 60], () => this.#settleAll())
    void this.#again([2 * 60, 12 * 60], () => this.#stopSomething())
    void this.#again([3 * 60, 12 * 60], () => this.#askForMore())
    void this.#again([12 * 60, 36 * 60], async () => this.#scaleByHand())
  }

  /** In worlds with a damaged ledger, each command is a new process, which has read no older ledger. */
  get #process() {
    if (this.world.ledgerTrouble !== null) this.#machine.renew()
    return this.#machine.process
  }

  get #ports() {
    const { ledger, clock } = this.#process
    return { ledger, clock, newId: this.world.newId }
  }

  async #again([min, max]: readonly [number, number], act: () => Promise<void>): Promise<void> {
    for (;;) {
      await this.world.scheduler.wait(this.world.random.spread(min * MINUTE, max * MINUTE))
      await act().catch((error: unknown) => this.world.trace(`people: ${String(error)}`))
    }
  }

  async #settleAll(): Promise<void> {
    if (this.isQuiet) await this.#resumeAll()
    for (const supernode of this.world.supernodes) await this.#settle(supernode)
  }

  async #settle(supernode: SimulatedSupernode): Promise<void> {
    const { world } = this
    const { now } = world.scheduler
    const head = await this.#ports.ledger.head(supernode.stream)
    const state = stateOf(head)
    // An entry that a fast clock dated ahead holds every run until a reset, which is dated by the present.
    const isAhead = (head?.at ?? 0) > now + MINUTE
    const { attempt, breaker, rulesOff, lastDecision } = state
    // During faults, operators check regularly. After faults, they rely on notifications.
    if (
      world.isCalm &&
      (attempt || breaker) &&
      !isAhead &&
      !world.watch.notifications.isHeard(supernode.stream)
    )
      return
    if (attempt && !isAhead) {
      const as = wordFor({ world, attempt, supernode })
      if (!as) return
      const check = (current: typeof state) => {
        if (current.attempt?.id !== attempt.id) throw new Error("the attempt is over by now")
        if (current.attempt.state === "open" && now <= current.attempt.deadline) throw new Error("too early")
      }
      const order = supernode.orderFor(attempt.id)
      if (order && as === "absent" && order.fate === "travelling") order.wasTakenForAbsent = true
      await settle(this.#ports, supernode, { attempt, as, check })
      return
    }
    if (!attempt) mendInConsole(world, supernode)
    const isMended = breaker || Object.keys(rulesOff).length > 0 || missingIn(state, supernode)
    if (isAhead || isMended || (lastDecision?.heldBy === "efficacy" && (await this.#helpsNoMore(supernode))))
      await reset(this.#ports, supernode)
    if (lastDecision?.heldBy === "approval-needed") await this.#approve(supernode)
  }

  /** True if a dry run says that gate efficacy stopped buying; false if it only waits for a measurement. */
  async #helpsNoMore(supernode: SimulatedSupernode): Promise<boolean> {
    const findings = (await this.#look(supernode, null))?.decision.findings ?? []
    return findings.some(({ gate, facts }) => gate === "efficacy" && facts["stopped"] === true)
  }

  async #approve(supernode: SimulatedSupernode): Promise<void> {
    const plan = await this.#show(supernode, null)
    if (!plan) return
    for (const by of ["ann", "bob"]) await this.#tellAll({ verb: "approve", planHash: plan, by })
  }

  /** Hash of the plan of a dry run. `null` if it would not buy. */
  async #show(supernode: SimulatedSupernode, servers: number | null): Promise<string | null> {
    return (await this.#look(supernode, servers))?.plan?.hash ?? null
  }

  async #look(supernode: SimulatedSupernode, servers: number | null) {
    const at = this.world.scheduler.now
    const signal = requestOf({ id: this.world.newId(), at, supernode: supernode.policy.name, servers })
    return this.world.startRun(this.#process, { signal, supernode })
  }

  async #askForMore(): Promise<void> {
    if (this.isQuiet) return
    const { random, scheduler, supernodes } = this.world
    const supernode = random.pick(supernodes)
    const larger = supernode.policy.ladder.find(({ servers }) => servers > supernode.count)
    const servers = random.chance(0.7) ? (larger?.servers ?? null) : null
    const planHash = await this.#show(supernode, servers)
    if (!planHash) return
    await scheduler.wait(random.spread(MINUTE, 20 * MINUTE))
    // A server may have been replaced meanwhile: then the plan has changed.
    const isReplaced = random.chance(0.3) && supernode.replaceOne()
    const signal = requestOf({
      id: this.world.newId(),
      at: scheduler.now,
      supernode: supernode.policy.name,
      mode: "live",
      servers,
      planHash,
      bypassCooldown: isReplaced || random.chance(0.3),
    })
    this.world.deliver(signal, [supernode])
  }

  async #stopSomething(): Promise<void> {
    if (this.isQuiet) return
    const { random, scheduler, supernodes } = this.world
    const one = random.pick(supernodes).policy.id
    const until = scheduler.now + random.spread(10 * MINUTE, 3 * HOUR)
    if (random.chance(0.3)) {
      await this.#tellAll({ verb: "hold", supernode: one, why: "quiet", by: "ops", until })
      return
    }
    const supernode = random.chance(0.5) ? null : one
    const isTimed = random.chance(0.5)
    await this.#tellAll({ verb: "pause", supernode, why: "stop", by: "ops", until: isTimed ? until : null })
    if (isTimed) return
    await scheduler.wait(random.spread(10 * MINUTE, 3 * HOUR))
    await this.#tellAll({ verb: "resume", supernode, why: "go on", by: "ops" })
  }

  /** Pauses while a run reads, which is the worst moment. */
  async stopRightNow(): Promise<void> {
    const { random, scheduler, supernodes } = this.world
    if (this.isQuiet || this.#isStopping) return
    this.#isStopping = true
    const supernode = random.chance(0.5) ? null : random.pick(supernodes).policy.id
    try {
      await this.#tellAll({ verb: "pause", supernode, why: "right now", by: "ops", until: null })
      await scheduler.wait(random.spread(MINUTE, 30 * MINUTE))
      await this.#tellAll({ verb: "resume", supernode, why: "go on", by: "ops" })
    } catch (error) {
      this.world.trace(`people: ${String(error)}`)
    }
    this.#isStopping = false
  }

  async #resumeAll(): Promise<void> {
    const { pausedAll, paused } = controlOf(await this.#ports.ledger.head(CONTROL_STREAM))
    const { now } = this.world.scheduler
    if (activeStop(pausedAll, now))
      await this.#tellAll({ verb: "resume", supernode: null, why: "go on", by: "ops" })
    for (const [supernode, stop] of Object.entries(paused))
      if (activeStop(stop, now)) await this.#tellAll({ verb: "resume", supernode, why: "go on", by: "ops" })
  }

  async #tellAll(said: OperatorCommand): Promise<void> {
    const { scheduler, watch } = this.world
    if (said.verb === "pause" || said.verb === "resume")
      watch.stops.ending({ verb: "pause", supernode: said.supernode }, scheduler.now)
    if (said.verb === "hold") watch.stops.ending({ verb: "hold", supernode: said.supernode }, scheduler.now)
    await commandAll(this.#ports, said)
    watch.stops.acknowledged(said, scheduler.now)
    this.world.trace(`people know that ${said.verb} is said`)
  }

  /** A person buys or deletes servers in the console, without the autoscaler. */
  #scaleByHand(): void {
    const { random, supernodes } = this.world
    const supernode = random.pick(supernodes)
    if (this.isQuiet || supernode.delivering.length > 0) return
    const sizes = supernode.policy.ladder.map(({ servers }) => servers)
    const larger = sizes.find((size) => size > supernode.count)
    const smaller = sizes.findLast((size) => size < supernode.count)
    if (larger && random.chance(0.6)) {
      while (supernode.count < larger) supernode.add()
    } else if (smaller) {
      for (const { id } of supernode.present().slice(smaller)) supernode.change(id, "DELETED")
    }
    this.world.trace(`people scale ${supernode.policy.name} by hand to ${supernode.count} servers`)
  }
}
