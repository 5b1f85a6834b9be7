import type { OperatorCommand } from "../../lib/decision/state/control.ts"
import { ledgerOver } from "../../lib/ledger/chain.ts"
import { commandAll } from "../../lib/ledger/commands.ts"
import { initLedger } from "../../lib/ledger/init.ts"
import { initEntryAt, LEDGER_ID } from "../ledger/initialised.ts"
import { Random } from "../world/random.ts"
import { Machine } from "./machine.ts"
import { SimulatedStore } from "./store.ts"
import type { SimulatedSupernode } from "./supernode.ts"
import type { World } from "./world.ts"

// Worlds in which the ledger itself is damaged, and in which operators make true and untrue statements about
// it. They are drawn separately, so that the other worlds stay the same.
//
// Rules of these worlds:
// - No second order is sent while an order of the lost entries is in flight. Exceptions: a person stated
//   untruly that there is none, or the order showed no server for 45 minutes.
// - The caps count the entries of the present ledger: none after a loss, those of the backup after a restore.
//   `ledger confirm` adds no purchases.
// - Only the policy's `ledger_id` distinguishes two ledgers of one supernode, so every world with two ledgers
//   sets it.
// - A worker that starts between a restore and `ledger restored` cannot know of the restore. Until then, only
//   workers that had read the lost entries must hold.

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export type LedgerTrouble = "lost" | "restored" | "restored-late" | "other" | null

/** The damage of a world's ledger; `null` in three quarters of the worlds. */
export function drawLedgerTrouble(seed: number): LedgerTrouble {
  const random = new Random(seed + 2 ** 48)
  if (!random.chance(0.25)) return null
  return random.pick(["lost", "lost", "restored", "restored-late", "other"] as const)
}

export function startLedgerTrouble(world: World, seed: number): void {
  const trouble = world.ledgerTrouble
  if (trouble === null) return
  const random = new Random(seed + 2 ** 50)
  const at =
    world.scheduler.now +
    random.whole(3 * HOUR, Math.max(4 * HOUR, world.calmFrom - world.scheduler.now - 5 * HOUR))
  const life = new LedgerLife(world, random)
  switch (trouble) {
    case "lost":
      void life.lose(at)
      return
    case "restored":
    case "restored-late":
      void life.restore(at, trouble === "restored-late")
      return
    case "other":
      void life.exchange(at)
      return
    default:
      trouble satisfies never
  }
}

class LedgerLife {
  readonly #office: Machine

  constructor(
    private readonly world: World,
    private readonly random: Random,
  ) {
    this.#office = new Machine(world, "operator", true)
  }

  /** Ports of an operator's command. Each command is a new process, which has read no ledger before. */
  #ports(offMs = 0) {
    this.#office.renew()
    const { ledger, clock } = this.#office.process
    return { ledger, clock: { ...clock, now: () => clock.now() + offMs }, newId: this.world.newId }
  }

  async #until(act: () => Promise<unknown>): Promise<void> {
    for (;;) {
      try {
        await act()
        return
      } catch (error) {
        this.world.trace(`people: ${String(error)}`)
        await this.world.scheduler.wait(MINUTE)
      }
    }
  }

  async #waitUntil(at: number): Promise<void> {
    await this.world.scheduler.wait(Math.max(0, at - this.world.scheduler.now))
  }

  /** Restarts the machines one after the other. Before their restart, those that knew the old ledger hold. */
  async #restartAll(): Promise<void> {
    for (const machine of this.world.machines) {
      machine.die()
      await this.world.scheduler.wait(this.random.spread(1_000, 10 * MINUTE))
    }
  }

  async lose(at: number): Promise<void> {
    const { world, random } = this
    await this.#waitUntil(at)
    world.trace("the ledger is lost")
    world.store.restore(new Map())
    await world.scheduler.wait(random.spread(MINUTE, 40 * MINUTE))
    const nothingInFlight = random.chance(0.4)
    const offMs = random.pick([0, 0, -45 * MINUTE, -DAY, DAY])
    await this.#until(async () => {
      const words = { by: "ops", why: "lost", nothingInFlight }
      await initLedger({ ...this.#ports(offMs), ledger: this.#office.process.ledger }, words)
    })
    await this.#restartAll()
  }

  async restore(at: number, isLate: boolean): Promise<void> {
    const { world, random } = this
    await this.#waitUntil(at - random.spread(20 * MINUTE, 3 * HOUR))
    const backup = world.store.copy()
    await this.#waitUntil(at)
    world.trace("the ledger is restored from a backup")
    world.store.restore(backup)
    const said: OperatorCommand = { verb: "restored", why: "backup", by: "ops" }
    if (isLate) await world.scheduler.wait(random.spread(5 * MINUTE, HOUR))
    if (isLate) await this.#until(() => commandAll(this.#ports(), said))
    else await commandAll({ ...this.#ports(), ledger: ledgerOver(world.store.direct()) }, said)
    for (const supernode of world.supernodes) void this.#confirm(supernode)
    await this.#restartAll()
  }

  async #confirm(supernode: SimulatedSupernode): Promise<void> {
    const { world, random } = this
    const isRight = random.chance(0.7)
    do await world.scheduler.wait(random.spread(MINUTE, HOUR))
    while (isRight && !world.isCalm && world.watch.hasForgottenOrder(supernode))
    const { id } = supernode.policy
    await this.#until(() =>
      commandAll(this.#ports(), { verb: "confirm", supernode: id, why: "seen", by: "ops" }),
    )
  }

  /** A worker starts on another ledger, and later on the right one again. */
  async exchange(at: number): Promise<void> {
    const { world, random } = this
    await this.#waitUntil(at)
    const machine = random.pick(world.machines)
    const other = new SimulatedStore(world, (entry) => world.watch.storedElsewhere(entry))
    other.begin(initEntryAt(world.scheduler.now, "nothing-in-flight", LEDGER_ID.replace(/1$/, "2")))
    world.trace(`${machine.name} starts on another ledger`)
    machine.storeOf = other
    machine.die()
    await world.scheduler.wait(random.spread(HOUR, 3 * HOUR))
    machine.storeOf = null
    machine.die()
  }
}
