import { parentPort, workerData } from "node:worker_threads"
import { PORT_BREAKS } from "./port-breaks.ts"
import { type Report, simulate } from "./simulate.ts"

// Runs one thread's share of the seeds. The thread gets the next seed after its report on the last one.

export interface ThreadData {
  /** Name in `PORT_BREAKS`. `null` if no port is broken. */
  portBreak: string | null
  /** True if the code was bundled without shortcuts. */
  asIs: boolean
  /** True if some processes may read the supernode beside the heads. */
  readsEarly: boolean
  /** Supernodes of each life. */
  members: number
}

/** The trace is sent only if it is needed: for a failing seed, or on request. */
export interface Task {
  seed: number
  wantsTrace: boolean
}

const { portBreak, asIs, readsEarly, members } = workerData as ThreadData
const broken = portBreak === null ? null : (PORT_BREAKS[portBreak] ?? null)

parentPort?.on("message", (task: Task) => void live(task))

async function live({ seed, wantsTrace }: Task): Promise<void> {
  const whole = await simulate(seed, { broken, asIs, readsEarly, members })
  const isTraceWanted = wantsTrace || whole.violations.length > 0
  const report: Report = isTraceWanted ? whole : { ...whole, trace: [] }
  parentPort?.postMessage(report)
}
