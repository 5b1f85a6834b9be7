import { describe, expect, it } from "vitest"
import type { Invocation, RunsResult } from "../../lib/app/app.ts"
import { signalRunner } from "../../lib/app/dispatch.ts"
import { readSettings } from "../../lib/app/settings.ts"
import { ledgerOver } from "../../lib/ledger/chain.ts"
import { openMemoryStore } from "../../lib/ledger/memory.ts"
import { metricCollector } from "../../lib/metrics/collector.ts"
import type { Cloud } from "../../lib/ports.ts"
import { MINUTE, NOW, policyOf, tickOf } from "../decision/builders.ts"
import { noTime } from "../metrics/read-alone.ts"
import { clockAt } from "../world/clock.ts"
import { loadedOf } from "../world/task.ts"

// A tick for many supernodes. Without a ledger, each run ends at once (ledger-new), so that only the dispatch
// matters.

const SECOND = 1_000

async function unexpected(): Promise<never> {
  throw new Error("without a ledger the cloud is not asked")
}

const cloud: Cloud = {
  readSupernode: unexpected,
  readOffers: unexpected,
  readMetrics: unexpected,
  buy: unexpected,
}

interface Fleet {
  count: number
  /** Duration of each run; 100 runs are concurrent. */
  runMs: number
  settings?: Record<string, string>
}

/** Supernodes train-0, train-1 …; `tick` runs all of them in one invocation that has `givenMs` of time. */
function fleetOf({ count, runMs, settings: own = {} }: Fleet) {
  const supernodes = Array.from({ length: count }, (_, i) => {
    const id = `b4beacb6-4380-448c-a218-${String(i).padStart(12, "0")}`
    const policy = policyOf({ name: `train-${i}`, id })
    return loadedOf(policy)
  })
  const file = {
    path: "policy.yaml",
    files: [],
    read: { files: [], includes: [] },
    supernodes,
    ledgerId: null,
    smnTopics: [],
    snsTopics: [],
  }
  let timeoutMs = 0
  const store = ledgerOver(openMemoryStore())
  let started = 0
  const ledger = {
    ...store,
    head: async (stream: string) => {
      if (stream.startsWith("supernode:")) started += 1
      return undefined
    },
  }
  const run = signalRunner({
    settings: readSettings((name) => own[name], Object.keys(own)),
    policies: {
      current: () => ({ ...file, notify: [], warnings: [], silenced: [] }),
      reload: unexpected,
      refused: () => null,
      takeWarnings: () => [],
    },
    ledger,
    cloud,
    metrics: metricCollector(
      { cloudEye: unexpected, cloudEyeList: unexpected, prometheus: unexpected, cloudwatch: unexpected },
      noTime,
    ),
    keys: {
      provide: async () => ({ ak: "AK", sk: "SK", securityToken: null }),
      prometheusAuth: async () => [],
      postgresPassword: async () => null,
      during: (_keys, work) => work(),
    },
    clock: clockAt(NOW),
    notifierOf: () => null,
  })
  return {
    async tick(at: number, givenMs: number): Promise<RunsResult> {
      timeoutMs = givenMs
      started = 0
      // 100 runs are concurrent and equally long, so a run starts when all hundreds before it have ended.
      const remainingMs = () => timeoutMs - Math.floor(started / 100) * runMs
      const invocation: Invocation = { requestId: "r", remainingMs, credentials: null }
      return run([tickOf({ at })], invocation, { problems: [], mode: null, only: null })
    },
  }
}

const namesOf = ({ results }: RunsResult) => results.map(({ supernode }) => supernode)

describe("a tick for more supernodes than it has time for", () => {
  it("a tick starts no run that might exceed the time left, and counts the supernodes that are not reached", async () => {
    const { tick } = fleetOf({ count: 250, runMs: 20 * SECOND })
    const ran = await tick(NOW, 55 * SECOND)
    expect(namesOf(ran)).toHaveLength(200)
    expect(ran.warnings).toEqual([
      'the tick did not reach 50 of 250 supernodes: 15 s were left, and a run may take 17 s. The next tick starts with other supernodes. To reach all, raise the function\'s timeout, or split the tick with "shard": "i/n"',
    ])
  })

  it("a tick in live mode reserves the time that a purchase takes", async () => {
    const settings = { SUPERNODE_MODE: "live", SUPERNODE_LEDGER: "dynamodb://table?region=eu-central-1" }
    const { tick } = fleetOf({ count: 250, runMs: 40 * SECOND, settings })
    const ran = await tick(NOW, 180 * SECOND)
    expect(namesOf(ran)).toHaveLength(200)
    expect(ran.warnings).toEqual([expect.stringContaining("100 s were left, and a run may take 107 s")])
  })

  it("a tick reaches all supernodes without a warning if the time suffices", async () => {
    const { tick } = fleetOf({ count: 250, runMs: 20 * SECOND })
    const ran = await tick(NOW, 180 * SECOND)
    expect(new Set(namesOf(ran)).size).toBe(250)
    expect(ran.warnings).toEqual([])
  })

  it("a tick starts its first 100 runs whatever time is left", async () => {
    const { tick } = fleetOf({ count: 3, runMs: 1 })
    expect(namesOf(await tick(NOW, 2))).toEqual(["train-0", "train-1", "train-2"])
  })

  // If the start were counted by minutes, ticks at each of these intervals would always start at the same
  // supernodes.
  it.each([5, 60, 250])("a series of ticks, %i minutes apart, reaches every supernode", async (minutes) => {
    const { tick } = fleetOf({ count: 250, runMs: 20 * SECOND })
    const reached = new Set<string>()
    for (let nth = 0; nth < 20 && reached.size < 250; nth++)
      for (const name of namesOf(await tick(NOW + nth * minutes * MINUTE, 30 * SECOND))) reached.add(name)
    expect(reached.size).toBe(250)
  })

  it("a tick that is delivered again starts at the same supernodes", async () => {
    const { tick } = fleetOf({ count: 250, runMs: 20 * SECOND })
    expect(namesOf(await tick(NOW, 30 * SECOND))).toEqual(namesOf(await tick(NOW, 30 * SECOND)))
  })
})
