/**
 * Time at which a frozen worker continues: while the attempt may be sent, past its deadline, or after
 * operators settled everything.
 */
export type Moment = "soon" | "late" | "settled"

/**
 * What happens at one I/O of one worker. `after`: the effect is done, and only its answer is missing.
 *   dies         never goes on
 *   loses        the answer is lost, or (before) the call fails without effect
 *   goes-dark    the same, and nothing that this worker asks works any more
 *   freezes      goes on at a later moment, as if no time had passed
 *   freezes-on-the-wire   between the last look at the clock and the first byte: the one instant that no check can close, so it is
 *                enumerated nowhere; late.test.ts shows what becomes of it
 *   arrives-late the call fails, and its write takes effect later even so
 *   throws       a client that promised never to throw does
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

/**
 * Faults that have the same result before and after a read; only the dying is kept twice, for the count's
 * sake.
 */
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
