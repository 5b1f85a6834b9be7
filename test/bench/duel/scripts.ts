import { MINUTE, SECOND } from "../../decision/builders.ts"
import type { Call } from "./purchase.ts"

/** A delivery that wakes a worker, in addition to the cron tick every five minutes of all scripts. */
export interface Delivery {
  atMs: number
  /** Server of the alarm. Another alarm of the same server is the same event, delivered again. */
  server?: string
  /** A tick instead of an alarm. */
  isTick?: true
  /** A host works in one process, and keeps its memory until that process dies. */
  host?: string
}

/** One cause of trouble. Each script begins with one alarm, and exactly one purchase is due. */
export interface Script {
  cause: string
  deliveries?: Delivery[]
  /** Course of a purchase request by its number (from 0) and by the time; `undefined` if it succeeds. */
  call?: (request: { nth: number; atMs: number }) => Call | undefined
  store?: {
    /** For this time from the start, writes take effect but their responses are lost. */
    losesAnswersForMs?: number
    /** For this time from the start, all reads and writes fail. */
    isDownForMs?: number
    /** For this time from the first order, all reads and writes fail. */
    isDownAfterPurchaseForMs?: number
  }
  /** Time at which all processes restart with an empty memory. */
  restartsAtMs?: number
}

/** The first requests take these courses, and all later ones succeed. */
function first(...calls: Call[]): NonNullable<Script["call"]> {
  return ({ nth }) => calls[nth]
}

function eachMinute(count: number): Delivery[] {
  return Array.from({ length: count }, (_, i) => ({ atMs: (i + 1) * MINUTE }))
}

export const SCRIPTS: readonly Script[] = [
  { cause: "nothing goes wrong" },

  // Deliveries.
  {
    cause: "the same alarm twice, a second apart, while the call is under way",
    deliveries: [{ atMs: SECOND, host: "b" }],
  },
  { cause: "the same alarm in the same instant to two workers", deliveries: [{ atMs: 0, host: "b" }] },
  { cause: "the same alarm delivered five times more, a minute apart", deliveries: eachMinute(5) },
  { cause: "alarm and cron tick in the same second", deliveries: [{ atMs: 0, isTick: true, host: "cron" }] },
  {
    cause: "the same episode told again by another server's alarm, 20 s later",
    deliveries: [{ atMs: 20 * SECOND, server: "s2" }],
  },
  {
    cause: "eight servers' alarms in the same second",
    deliveries: Array.from({ length: 7 }, (_, i) => ({
      atMs: 100 * (i + 1),
      server: `s${i + 2}`,
      host: `h${i + 2}`,
    })),
  },
  {
    cause: "restarted with empty memory, and the alarm delivered again",
    deliveries: [{ atMs: 31 * SECOND }],
    restartsAtMs: 30 * SECOND,
  },

  // Answers.
  { cause: "order taken, answer lost (connection reset)", call: first({ answer: "reset" }) },
  {
    cause: "order taken, every answer lost for ten minutes",
    call: ({ atMs }) => (atMs < 10 * MINUTE ? { answer: "reset" } : undefined),
  },
  { cause: "order taken, no answer (timeout)", call: first({ answer: "silence" }) },
  {
    cause: "timeout, and the order is taken ten minutes later",
    call: first({ answer: "silence", takenAfterMs: 10 * MINUTE }),
  },
  {
    cause: "gateway says 504, and the order is taken five minutes later",
    call: first({ answer: 504, takenAfterMs: 5 * MINUTE }),
  },
  { cause: "order taken, and the answer is 500", call: first({ answer: 500 }) },
  { cause: "order taken, and the 200 cannot be read", call: first({ answer: "unreadable" }) },
  {
    cause: "the call takes four minutes, longer than timeout, lease and expiry; delivered again meanwhile",
    call: first({ takenAfterMs: 4 * MINUTE, answerAfterMs: 4 * MINUTE + SECOND }),
    deliveries: [{ atMs: 130 * SECOND, host: "b" }],
  },
  {
    cause: "throttled (429), then fine",
    call: first({ answer: 429, takenAfterMs: null }),
  },
  { cause: "connection refused, then fine", call: first({ connects: false }) },
  {
    cause: "the request vanishes: no order, no answer (timeout)",
    call: first({ answer: "silence", takenAfterMs: null }),
  },

  // Processes.
  { cause: "process dies right before sending", call: first({ worker: "dies-before-sending" }) },
  { cause: "process dies right after sending", call: first({ worker: "dies-after-sending" }) },
  { cause: "process dies at the answer, before the record", call: first({ worker: "dies-at-the-answer" }) },
  {
    cause: "worker pauses for 150 s right before sending; delivered again at 130 s",
    call: first({ worker: { pausesMs: 150 * SECOND } }),
    deliveries: [{ atMs: 130 * SECOND, host: "b" }],
  },

  // The record store.
  {
    cause: "record store takes writes, but its answers are lost for a minute",
    store: { losesAnswersForMs: MINUTE },
  },
  { cause: "record store down for ten minutes when the alarm comes", store: { isDownForMs: 10 * MINUTE } },
  {
    cause: "record store down for a minute from the purchase on; another server's alarm after 70 s",
    store: { isDownAfterPurchaseForMs: MINUTE },
    deliveries: [{ atMs: 70 * SECOND, server: "s2" }],
  },
  {
    cause: "record store down for ten minutes from the purchase on",
    store: { isDownAfterPurchaseForMs: 10 * MINUTE },
  },
]
