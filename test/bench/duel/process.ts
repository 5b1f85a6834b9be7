import { VirtualProcess } from "../../world/process.ts"
import type { Scheduler } from "../../world/scheduler.ts"
import { HOP_MS, type World } from "./world.ts"

/** Time limit of one invocation in milliseconds, as in serverless.yml. */
export const LIMIT_MS = 180_000

/**
 * One invocation. Responses that are pending at its death never arrive. A pause delays all its work until its
 * end.
 */
export class Process extends VirtualProcess {
  readonly memory: Set<string>
  readonly #startedAt: number
  protected frozenUntil = 0

  constructor(
    readonly world: World,
    private readonly host: string,
    private readonly onDeath: () => void,
  ) {
    super()
    this.memory = world.memoryOf(host)
    this.#startedAt = world.now
  }

  protected get scheduler(): Scheduler {
    return this.world.scheduler
  }

  get now(): number {
    return this.world.now
  }

  get timeLeftMs(): number {
    return this.#startedAt + LIMIT_MS - this.now
  }

  die(): void {
    if (this.isDead) return
    this.isDead = true
    this.world.forgetMemory(this.host)
    this.onDeath()
  }

  pause(ms: number): void {
    this.frozenUntil = this.now + ms
  }

  /** Runs the effect elsewhere, one hop away. Its result or error arrives here another hop later. */
  ask<T>(effect: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.isDead) this.send({ thereMs: HOP_MS, backMs: HOP_MS, effect }, { resolve, reject })
    })
  }

  listedServers(): Promise<number> {
    return this.ask(() => this.world.supernode.count)
  }
}
