/** A turn that takes longer is passed on while it goes on: its ledger hangs, and the others must find that out, too. */
const MAX_TURN_MS = 5_000

/** Calls after so many milliseconds, and gives a way to take that back. */
type After = (ms: number, call: () => void) => () => void

const systemAfter: After = (ms, call) => {
  const timer = setTimeout(call, ms)
  return () => clearTimeout(timer)
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
