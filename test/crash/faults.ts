/**
 * Time at which a frozen worker continues: while the attempt may be sent, past its deadline, or after
 * operators settled everything.
 */
export type Moment = "soon" | "late" | "settled"

/**
 * The fault at one I/O of one worker. `after`: the effect is done, and only its response is missing.
 *   dies         never continues
 *   loses        the response is lost, or (before) the call fails without effect
 *   goes-dark    the same, and all later calls of this worker fail
 *   freezes      continues at a later moment, as if no time had passed
 *   freezes-on-the-wire
 *                freezes between the last look at the clock and the first byte. No check can cover this
 *                instant, so it is not enumerated; late.test.ts shows its result
 *   arrives-late the call fails, and its write takes effect later
 *   throws       a client throws against its contract
 */
export type Fault =
  | { kind: "dies" | "loses" | "goes-dark" | "throws"; after: boolean }
  | { kind: "freezes"; after: boolean; until: Moment; clock?: "wall-went-back" | "monotonic-stood-still" }
  | { kind: "freezes-on-the-wire" | "arrives-late"; until: Moment }

const BOTH = [false, true]
const MOMENTS: Moment[] = ["soon", "late", "settled"]

const FREEZES: Fault[] = MOMENTS.flatMap((until) =>
  BOTH.map((after): Fault => ({ kind: "freezes", after, until })),
)
const DEATHS: Fault[] = BOTH.map((after) => ({ kind: "dies", after }))
const LOSSES: Fault[] = BOTH.flatMap((after): Fault[] => [
  { kind: "loses", after },
  { kind: "goes-dark", after },
])
const CLOCKS: Fault[] = [
  { kind: "freezes", after: false, until: "late", clock: "wall-went-back" },
  { kind: "freezes", after: false, until: "late", clock: "monotonic-stood-still" },
]

const THROWS: Fault[] = BOTH.map((after) => ({ kind: "throws", after }))
const ARRIVALS: Fault[] = [
  { kind: "arrives-late", until: "soon" },
  { kind: "arrives-late", until: "late" },
]

/** Faults of reads. They have the same result before and after a read; only `dies` is kept for both. */
const OF_READS = [
  ...DEATHS,
  ...LOSSES.filter((fault) => "after" in fault && !fault.after),
  ...FREEZES.filter((fault) => "after" in fault && fault.after),
]

/** All faults that a point can have, by its verb. */
export function faultsAt(point: string): Fault[] {
  const verb = verbOf(point)
  if (verb.startsWith("ledger.append")) return [...DEATHS, ...LOSSES, ...FREEZES, ...CLOCKS, ...ARRIVALS]
  if (verb === "cloud.buy") return [...DEATHS, ...LOSSES, ...FREEZES, ...CLOCKS, ...THROWS]
  if (verb === "notify.send") return [...DEATHS, ...LOSSES, ...FREEZES, ...THROWS]
  if (verb === "clock.wait")
    return [...DEATHS, ...FREEZES.filter((fault) => "after" in fault && !fault.after)]
  return verb === "ledger.head:control" ? [...OF_READS, ...CLOCKS] : OF_READS
}

/** True if it changes nothing outside the worker. */
export function isRead(point: string): boolean {
  return /^(ledger\.(head|read)|cloud\.read|clock\.)/.test(verbOf(point))
}

function verbOf(point: string): string {
  return point.split(" ")[1] ?? point
}

export function faultName(fault: Fault): string {
  const parts = [
    fault.kind,
    ...("after" in fault ? [fault.after ? "after" : "before"] : []),
    ...("until" in fault ? [`until ${fault.until}`] : []),
    ...("clock" in fault && fault.clock ? [`(${fault.clock})`] : []),
  ]
  return parts.join(" ")
}
