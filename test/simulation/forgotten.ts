import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import type { RawEntry } from "../../lib/ledger/store.ts"
import type { Copy } from "../world/chains.ts"
import type { TrueOrder } from "../world/order.ts"
import type { Process } from "./machine.ts"
import type { SimulatedSupernode } from "./supernode.ts"
import type { Posted } from "./watch.ts"
import type { World } from "./world.ts"

const MINUTE = 60_000

type Reason = [rule: string, says: string]

/** Supernodes for which a person's statement was untrue: an order that the ledger lacks was in flight. */
interface Words {
  untrueOf: Set<string>
}

/** Checks orders that the present ledger does not contain: a loss or a restore removed their entries. */
export class Forgotten {
  /** True time at which the ledger last lost entries. */
  at = -Infinity
  readonly #words: Words = { untrueOf: new Set() }
  /** Supernodes that were confirmed since a recorded restore. `null` without such a restore. */
  #confirmed: Set<string> | null = null
  /** Lengths of the chains that were kept, until the loss or restore is recorded. `null` after that. */
  #unsaid: Map<string, number> | null = null
  /** Newest seq of each stream that each process had read before the entries were lost. */
  #knew = new Map<Process, ReadonlyMap<string, number>>()
  /**
   * Servers in the newest reading of each supernode since its last reset. A reading during faults does not
   * count, because its response may be lost.
   */
  readonly #readInCalm = new Map<string, ReadonlySet<string>>()
  readonly #looks = new Map<string, { isBusy: boolean; shown: ReadonlySet<string> }>()

  constructor(private readonly world: World) {}

  begin(kept: Copy<RawEntry>): void {
    this.at = this.world.scheduler.now
    this.#words.untrueOf.clear()
    this.#confirmed = null
    // Entries that a process reads from now on may have been written after the restore.
    this.#knew = new Map(this.world.machines.map(({ process }) => [process, new Map(process.seen)]))
    this.#unsaid = new Map([...kept].map(([stream, chain]) => [stream, chain.length]))
  }

  said({ said }: LedgerEntry): void {
    const { scheduler, supernodes } = this.world
    if (this.at === -Infinity || !said) return
    if (said.verb === "init") {
      this.#unsaid = null
      const isTrusted = said.origin === "nothing-in-flight"
      this.world.newLedgerUntil = isTrusted ? scheduler.now : scheduler.now + 45 * MINUTE
      if (isTrusted) for (const one of supernodes) this.#vouch(one)
    }
    if (said.verb === "restored") {
      this.#unsaid = null
      this.#confirmed = new Set()
    }
    if (said.verb === "confirm" && this.#confirmed) {
      this.#confirmed.add(said.supernode)
      this.#vouch(this.world.supernodeOf(said.supernode))
    }
  }

  #vouch(supernode: SimulatedSupernode): void {
    if (this.ordersOf(supernode).length > 0) this.#words.untrueOf.add(supernode.policy.id)
  }

  /** A reset: from now on the chain knows no server of this supernode. */
  reset({ policy }: SimulatedSupernode): void {
    this.#readInCalm.delete(policy.id)
  }

  looksAt(run: string, supernode: SimulatedSupernode): void {
    const present = supernode.present()
    const isBusy = present.some(({ status }) => status === "CREATING")
    const shown = new Set(present.map(({ id }) => id))
    this.#looks.set(run, { isBusy, shown })
    if (this.world.isCalm) this.#readInCalm.set(supernode.policy.id, shown)
  }

  /** Orders in flight that are in no entry of the present ledger. */
  ordersOf(supernode: SimulatedSupernode): TrueOrder[] {
    const { trades } = this.world.watch.bookOf(supernode)
    return supernode.pending.filter(
      ({ attempt, wasTakenForAbsent }) => !trades.has(attempt) && !wasTakenForAbsent,
    )
  }

  whyNot({ supernode, order, run, process }: Posted): Reason[] {
    const found: Reason[] = []
    const { id } = supernode.policy
    const look = this.#looks.get(run)
    if (process.machine.storeOf !== null && process.machine.storeOf !== this.world.store)
      found.push(["other-ledger", `${order.attempt} was sent from another ledger`])
    if (look?.isBusy) found.push(["not-ready", `${order.attempt} was sent while servers were being created`])
    if (this.#confirmed && !this.#confirmed.has(id))
      found.push(["ledger-restored", `${order.attempt} was sent, and the restored ledger is not confirmed`])
    const kept = this.#unsaid?.get(supernode.stream) ?? 0
    const isKnowing = this.#unsaid !== null && (this.#knew.get(process)?.get(supernode.stream) ?? 0) > kept
    if (isKnowing)
      found.push(["ledger-behind", `${order.attempt} was sent by a process that knew a newer ledger`])
    // A process that started after an unrecorded restore cannot know of it.
    if (this.#unsaid !== null || this.#words.untrueOf.has(id)) return found
    const [other] = this.ordersOf(supernode).filter(
      ({ servers }) =>
        servers.some((one) => look?.shown.has(one)) ||
        this.world.scheduler.now + 1_000 < this.world.newLedgerUntil,
    )
    if (other)
      found.push(["second-order", `${order.attempt} was sent while ${other.attempt} may be in flight`])
    return found
  }

  /**
   * Checks orders that no ledger contains: at the end, the state knows each server that a run has read, or
   * has an attempt in flight. A run that holds for another reason, such as `action-rate`, reads no supernode:
   * it cannot know newer servers, and buys nothing.
   */
  checkFound(): void {
    if (this.at === -Infinity) return
    for (const supernode of this.world.supernodes) {
      const state = this.world.store.stateOf(supernode.stream)
      if (!state || state.attempt) continue
      const read = this.#readInCalm.get(supernode.policy.id)
      const unknown = supernode
        .present()
        .filter(({ id }) => read?.has(id) === true && !(state.servers ?? []).includes(id))
      if (unknown.length > 0)
        this.world.watch.broken(
          "servers-are-found",
          `${unknown.map(({ id }) => id).join()} were never observed`,
        )
    }
  }
}
