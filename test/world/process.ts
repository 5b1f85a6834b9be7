import type { Scheduler } from "./scheduler.ts"

/** A request that leaves a process: the delay of its effect, the effect, and the delay of the response. */
export interface Request<T> {
  thereMs: number
  backMs: number
  /** Runs at the receiver, whatever happens to the process meanwhile. An exception becomes the response. */
  effect: () => T
}

/** Callbacks for the response of a request. */
export interface Receiver<T> {
  resolve: (value: T) => void
  reject: (error: unknown) => void
}

/**
 * One process in virtual time. Its host may be frozen. A response that is pending at its death never arrives.
 */
export abstract class VirtualProcess {
  isDead = false

  protected abstract get scheduler(): Scheduler
  /** Time until which the host is frozen. A time in the past means that it works. */
  protected abstract get frozenUntil(): number

  /** Calls `act` in this process after `ms`: later if the process is frozen then, never if it is dead. */
  later(ms: number, act: () => void): void {
    const { scheduler } = this
    scheduler.after(ms, () => {
      if (this.isDead) return
      if (this.frozenUntil > scheduler.now) this.later(this.frozenUntil - scheduler.now, act)
      else act()
    })
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.later(ms, resolve))
  }

  protected send<T>({ thereMs, backMs, effect }: Request<T>, { resolve, reject }: Receiver<T>): void {
    this.scheduler.after(thereMs, () => {
      try {
        const answer = effect()
        this.later(backMs, () => resolve(answer))
      } catch (error) {
        this.later(backMs, () => reject(error))
      }
    })
  }
}
