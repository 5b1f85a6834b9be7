import { request } from "undici"
import { readSettings } from "../../lib/app/settings.ts"
import { startApp } from "../../lib/app/start.ts"
import { readSignals } from "../../lib/signals/read.ts"
import { Corridor, eventOf } from "../corridor/corridor.ts"

const WARM_UP = 10
const ROUNDS = 50

export interface WarmRun {
  requests: number
  /** Medians in milliseconds, of the dry run and of the bare requests. */
  dryRunMs: number
  bareMs: number
}

/**
 * One warm dry run against the sandbox, and the same requests sent bare over one kept connection. The
 * difference is signing, deciding and the ledger. Both take turns, so that they see the same noise.
 */
export async function measureWarmRun(): Promise<WarmRun> {
  const corridor = await Corridor.open({ at: Date.now(), sandbox: { now: Date.now } })
  const settings = corridor.settings()
  const app = await startApp(readSettings((name) => settings[name], Object.keys(settings)))
  const dryRun = async (): Promise<void> => {
    const { signals } = readSignals(eventOf("manual-request"), "manual", { now: Date.now() })
    await app.runSignals(signals, {
      requestId: "bench",
      remainingMs: () => Number.POSITIVE_INFINITY,
      credentials: null,
    })
  }
  try {
    await dryRun()
    const recorded = corridor.sandbox.requests.map(({ method, url, headers, body }) => ({
      method,
      url: `${corridor.sandbox.url}${url}`,
      headers,
      body,
    }))
    const bare = async (): Promise<void> => {
      for (const { method, url, headers, body } of recorded) {
        const { host: _host, connection: _connection, "content-length": _length, ...signed } = headers
        const answer = await request(url, {
          method: method as "GET" | "POST",
          headers: signed,
          ...(body === "" ? {} : { body }),
        })
        await answer.body.text()
        if (answer.statusCode !== 200)
          throw new Error(`bare ${method} ${url} was answered ${answer.statusCode}`)
      }
    }
    const times = { dryRun: [] as number[], bare: [] as number[] }
    for (let round = 0; round < WARM_UP + ROUNDS; round++) {
      const [ranMs, bareMs] = [await timed(dryRun), await timed(bare)]
      if (round < WARM_UP) continue
      times.dryRun.push(ranMs)
      times.bare.push(bareMs)
    }
    return { requests: recorded.length, dryRunMs: median(times.dryRun), bareMs: median(times.bare) }
  } finally {
    await app.close()
    await corridor.close()
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
