import { HOP_MS, type World } from "./world.ts"

/** How long one invocation may run: what serverless.yml sets. */
export const LIMIT_MS = 180_000

/** One invocation. What it waits for when it dies never comes back; what a pause holds up comes after it. */
export class Process {
  isDead = false
  readonly memory: Set<string>
  readonly #startedAt: number
  #pausedUntil = 0

  constructor(
    readonly world: World,
    private readonly host: string,
    private readonly onDeath: () => void,
  ) {
    this.memory = world.memoryOf(host)
    this.#startedAt = world.now
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
    this.#pausedUntil = this.now + ms
  }

  pass(ms: number): Promise<void> {
    return new Promise((resolve) => this.later(ms, resolve))
  }

  /** Goes on in this process after that time, unless it is dead by then. */
  later(ms: number, act: () => void): void {
    this.world.scheduler.after(ms, () => {
      if (this.isDead) return
      if (this.#pausedUntil > this.now) this.later(this.#pausedUntil - this.now, act)
      else act()
    })
  }

  /** Has its effect somewhere else, one hop away, and its answer or its error here, another hop later. */
  async ask<T>(effect: () => T): Promise<T> {
    await this.pass(HOP_MS)
    let answer: { value: T } | { error: unknown }
    try {
      answer = { value: effect() }
    } catch (error) {
      answer = { error }
    }
    await this.pass(HOP_MS)
    if ("error" in answer) throw answer.error
    return answer.value
  }

  listedServers(): Promise<number> {
    return this.ask(() => this.world.listedCount())
  }
}
