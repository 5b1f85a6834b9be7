import type { After } from "../ports.ts"

/**
 * Maximum time that other runs wait for a turn. After it the next turn starts, although the current one has
 * not ended: its ledger hangs, and the other runs must find that out, too.
 */
const MAX_TURN_MS = 5_000

/**
 * Calls `call` after `ms`, but only after pending input was read. If the event loop was busy, an expired
 * timer would otherwise run before the input that arrived meanwhile.
 */
export const systemAfter: After = (ms, call) => {
  let turn: NodeJS.Immediate | undefined
  const timer = setTimeout(() => {
    turn = setImmediate(call)
  }, ms)
  return () => {
    clearTimeout(timer)
    clearImmediate(turn)
  }
}

/** Runs the work of one process in turns, in the order of the calls; see `Ports.inFleetTurn`. */
export function fleetTurns(after: After = systemAfter): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<void> = Promise.resolve()
  return async (work) => {
    const before = last
    let passOn = (): void => undefined
    last = new Promise((resolve) => {
      passOn = resolve
    })
    await before
    const cancel = after(MAX_TURN_MS, passOn)
    try {
      return await work()
    } finally {
      cancel()
      passOn()
    }
  }
}
