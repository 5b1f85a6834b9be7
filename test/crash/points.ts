/**
 * Every I/O of the corridor, as `function verb` (the function and its port call), and the test that breaks it
 * with every fault of faults.ts. An I/O that is not listed here fails that test if a run reaches it
 * (worker.ts), and fails sites.test.ts if it is in the sources.
 */
export const POINTS = {
  "readHeads ledger.head:supernode": "buying",
  "readControl ledger.head:control": "buying", // at the start, and again right before the request
  "entriesOf ledger.read:supernode": "settling", // for a repeated signal or request
  "readEarly cloud.readSupernode": "buying", // at the same time as the heads
  "readSupernodeAfter cloud.readSupernode": "buying",
  "recordObservations ledger.append:observed": "buying", // an attempt's outcome, then a purchase's effect
  "readMeters cloud.readMetrics": "buying",
  "gatherAndRecord cloud.readOffers": "buying",
  "note ledger.append:decided": "buying",
  "purchase ledger.append:opened": "buying",
  "sendOnce cloud.buy": "buying",
  "settle ledger.append:settled": "buying",
  "settle ledger.head:supernode": "settling",
  "settle clock.wait": "settling",
  "holdOvertaken ledger.append:decided": "settling",
  "followOrder cloud.readOrder": "settling",
  "lookForTraces cloud.readTraces": "settling",
  "appendObservation ledger.append:observed": "settling", // of an order, or of independent sources
  "claimNotification ledger.append:observed": "settling",
  "claimNotification ledger.head:supernode": "settling",
  "deliver notify.send": "settling",
  "noteDelivery ledger.append:observed": "settling",
  "noteDelivery ledger.head:supernode": "settling",
  "recordBlindness ledger.append:observed": "settling",
  "withPurchase ledger.read:supernode": "settling",
  "headOf ledger.head:supernode": "settling",
  "headOf ledger.head:control": "settling",
  "headOf ledger.head:fleet": "settling",
  "appendCommand ledger.head:supernode": "settling",
  "appendCommand ledger.head:control": "settling",
  "appendCommand ledger.append:said": "settling",
  "readFleet ledger.head:fleet": "fleet",
  "readTip ledger.head:supernode": "fleet",
  "fence ledger.append:observed": "fleet",
  "fence ledger.head:supernode": "fleet",
  "reserve ledger.append:opened": "fleet",
  "release ledger.append:settled": "fleet",
  "release ledger.head:fleet": "fleet",
} as const

export type Proof = (typeof POINTS)[keyof typeof POINTS]

/** Port calls that are synchronous and cannot fail: no run can end there. */
export const INSTANT = ["clock.now", "clock.monotonic", "notify.wants"]

export function isKnownPoint(point: string): boolean {
  return Object.hasOwn(POINTS, point)
}

/**
 * Names an I/O by the function of lib/ that calls it: `settle ledger.append:settled`. The port must call this
 * synchronously, while the caller is on the stack.
 */
export function pointOf(verb: string): string {
  const { prepareStackTrace, stackTraceLimit } = Error
  try {
    // The call sites are not mapped to sources: that would take longer than the run itself.
    Error.prepareStackTrace = (_error, sites) => sites
    Error.stackTraceLimit = 8
    const sites = new Error().stack as unknown as NodeJS.CallSite[]
    const asker = sites.find((site) => (site.getFileName() ?? "").includes("/lib/"))
    return `${asker?.getFunctionName() ?? "nobody"} ${verb}`
  } finally {
    Error.prepareStackTrace = prepareStackTrace
    Error.stackTraceLimit = stackTraceLimit
  }
}
