/** A turn that takes longer is passed on while it goes on: its ledger hangs, and the others must find that out, too. */
const MAX_TURN_MS = 5_000

/** Turns of the runs of one process, in the order in which they ask; see `Ports.inFleetTurn`. */
export function fleetTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<void> = Promise.resolve()
  return async (work) => {
    const before = last
    let passOn = (): void => undefined
    last = new Promise((resolve) => {
      passOn = resolve
    })
    await before
    const timer = setTimeout(passOn, MAX_TURN_MS)
    try {
      return await work()
    } finally {
      clearTimeout(timer)
      passOn()
    }
  }
}
