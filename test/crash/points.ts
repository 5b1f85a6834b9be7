/**
 * Every I/O of the corridor, as `function verb`: the function and its call of a port; and the test that breaks it in
 * every way of faults.ts. A run with another I/O fails that test (worker.ts), and so does a line of source (sites.test.ts).
 */
export const POINTS = {
  "readHeads ledger.head:supernode": "buying",
  "readControl ledger.head:control": "buying", // twice: at the start, and again between the opened attempt and the request
  "entriesOf ledger.read:supernode": "settling", // of a signal that led to an attempt, and of a request that came before
  "readEarly cloud.readSupernode": "buying", // beside the heads
  "readSupernodeAfter cloud.readSupernode": "buying",
  "recordObservations ledger.append:observed": "buying", // the outcome of an attempt, and then the effect of a purchase on its metric
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
  "appendObservation ledger.append:observed": "settling", // of an order, or of what independent sources say
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

/** Ports that are called synchronously and cannot fail: no run can end there. */
export const INSTANT = ["clock.now", "clock.monotonic", "notify.wants"]

export function isKnownPoint(point: string): boolean {
  return Object.hasOwn(POINTS, point)
}

/**
 * `settle ledger.append:settled`: names an I/O by the function of lib/ that calls it. To be called at once by
 * the port.
 */
export function pointOf(verb: string): string {
  const { prepareStackTrace, stackTraceLimit } = Error
  try {
    // Bare call sites: mapping them to sources would take longer than the run itself.
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
