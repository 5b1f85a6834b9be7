import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"
import { type Bundle, bundle } from "./bundle.ts"
import type { Report } from "./simulate.ts"
import type { Task, ThreadData } from "./thread.ts"

export interface Batch {
  bundle: Bundle
  seeds: Iterable<number>
  portBreak?: string | null
  threads?: number
  wantsTrace?: boolean
  /**
   * False if no process reads the supernode beside the heads: the seeds of the hunts were found without that.
   */
  readsEarly?: boolean
  /** Supernodes of each life. */
  members?: number
  /** Called with each report, in the order of arrival; true ends the batch early. */
  onReport: (report: Report) => boolean
}

/** Every 50th life has real texts and hashes, at twice the cost. */
const AS_IS_EVERY = 50

/** Runs the lives of these seeds, most of them with the shortcuts for speed. */
export async function runLives({ seeds, ...batch }: Omit<Batch, "bundle">): Promise<void> {
  const all = [...seeds]
  let isFinished = false
  const onReport = (report: Report) => {
    isFinished ||= batch.onReport(report)
    return isFinished
  }
  for (const asIs of [false, true]) {
    const some = all.filter((seed) => (seed % AS_IS_EVERY === 0) === asIs)
    if (!isFinished) await runSeeds({ ...batch, bundle: await bundle({ asIs }), seeds: some, onReport })
  }
}

/** Runs seeds on several threads. Each seed is a world of its own, so the order changes nothing. */
export async function runSeeds({
  bundle: { code, asIs },
  seeds,
  portBreak = null,
  wantsTrace = false,
  readsEarly = true,
  members = 2,
  ...batch
}: Batch): Promise<void> {
  const { threads = availableParallelism(), onReport } = batch
  const left = seeds[Symbol.iterator]()
  let isFinished = false
  const url = new URL(`data:text/javascript,${encodeURIComponent(code)}`)
  const work = async (): Promise<void> => {
    const data: ThreadData = { portBreak, asIs, readsEarly, members }
    const worker = new Worker(url, { workerData: data, resourceLimits: { maxYoungGenerationSizeMb: 256 } })
    try {
      for (let next = left.next(); !next.done && !isFinished; next = left.next()) {
        const report = await ask(worker, { seed: next.value, wantsTrace })
        isFinished ||= onReport(report)
      }
    } finally {
      await worker.terminate()
    }
  }
  await Promise.all(Array.from({ length: threads }, work))
}

function ask(worker: Worker, task: Task): Promise<Report> {
  return new Promise((resolve, reject) => {
    worker.once("error", reject)
    worker.once("message", (report: Report) => {
      worker.off("error", reject)
      resolve(report)
    })
    worker.postMessage(task)
  })
}
