import type { After } from "../ports.ts"

/** A turn that takes longer is passed on while it goes on: its ledger hangs, and the others must find that out, too. */
const MAX_TURN_MS = 5_000

/** After a busy time a timer is over before what has arrived meanwhile is read: that comes first. */
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

/** Turns of the runs of one process, in the order in which they ask; see `Ports.inFleetTurn`. */
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
