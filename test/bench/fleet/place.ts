import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeLedger } from "../../ledger/initialised.ts"
import { type Break, type Bundle, bundleScript } from "../../processes/bundle.ts"
import { OwnProcess } from "../../processes/process.ts"
import { liveSettings } from "../../world/live-settings.ts"
import type { FleetCloud } from "./cloud.ts"
import { type FleetPolicy, policyFiles } from "./policy.ts"

export interface EventAsked {
  door: "alarm" | "schedule"
  event: unknown
}

/** What one event came to. */
export interface FleetRan {
  tookMs: number
  /** Of this process, which other processes of the machine do not lengthen. */
  cpuMs: number
  /** When each run ended, since the event began. */
  doneMs: number[]
  /** Number of runs by what held them, or by the outcome. */
  ends: Record<string, number>
  /** Names of the supernodes that were run, one for each run. */
  supernodes: string[]
  warnings: string[]
  /** Questions to the store for newest entries. */
  headReads: number
  /** The most CPU that was used between two turns of the event loop, which other processes do not lengthen. */
  longestPauseMs: number
  /** The most that the process had so far, MB. */
  residentMb: number
}

const MINUTE_MS = 60_000

export const WEBHOOK_TOKEN = "0123456789abcdef"

/** A policy, a ledger and settings in a folder of their own. */
export class FleetPlace {
  private constructor(
    readonly folder: string,
    readonly settings: Record<string, string>,
  ) {}

  /** `ledger`: its url; left out: a SQLite file in the folder. */
  static async make(cloud: FleetCloud, policy: FleetPolicy, ledger?: string): Promise<FleetPlace> {
    const folder = mkdtempSync(join(tmpdir(), "fleet-"))
    const store = ledger ?? `sqlite:${join(folder, "ledger.db")}`
    const settings = {
      ...liveSettings({ url: cloud.url, folder, keys: { ak: "ak", sk: "sk" } }),
      SUPERNODE_WEBHOOK_TOKEN: WEBHOOK_TOKEN,
      SUPERNODE_LEDGER: store,
    }
    for (const [name, text] of policyFiles(policy)) writeFileSync(join(folder, name), text)
    await makeLedger(store, Date.now())
    return new FleetPlace(folder, settings)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** The bundle counts what no port shows. */
const COUNTING: Break = {
  says: "counts the questions for newest entries",
  file: "lib/ledger/head-reads.ts",
  from: "    this.#underWay += 1\n",
  to: "    this.#underWay += 1\n    ;(globalThis as { headReads?: number }).headReads! += 1\n",
}

let made: Promise<Bundle> | null = null

/** A process that handles events for the fleet of one place. */
export class FleetWorker {
  #minutes = 0

  private constructor(private readonly process: OwnProcess) {}

  /** `nodeOptions`: as NODE_OPTIONS takes them. */
  static async start({ settings }: FleetPlace, nodeOptions = ""): Promise<FleetWorker> {
    made ??= bundleScript("test/bench/fleet/tick-process.ts", COUNTING).then((one) => {
      process.once("exit", () => one.remove())
      return one
    })
    const { file } = await made
    const worker = new FleetWorker(new OwnProcess(file, [], { ...settings, NODE_OPTIONS: nodeOptions }))
    await worker.process.next()
    return worker
  }

  /** The next tick, a minute later by its name. Throws what the process said where it died. */
  tick(): Promise<FleetRan> {
    return this.tickAt(Math.floor(Date.now() / MINUTE_MS - 13 + this.#minutes++) * MINUTE_MS)
  }

  /** The tick of that time: of all supernodes, or of those of one shard (`i/n`). */
  tickAt(at: number, shard?: string): Promise<FleetRan> {
    const event = { kind: "tick", name: "bench", time: new Date(at).toISOString(), shard }
    return this.#handle({ door: "schedule", event })
  }

  /** One webhook of Alertmanager with an alarm for each supernode. */
  alarms(alertname: string, supernodes: number): Promise<FleetRan> {
    const headers = { "content-type": "application/json", authorization: `Bearer ${WEBHOOK_TOKEN}` }
    const body = JSON.stringify(alertmanagerBody(alertname, { from: 0, count: supernodes }))
    const requestContext = { http: { method: "POST", path: "/alertmanager", protocol: "HTTP/1.1" } }
    const event = {
      version: "2.0",
      rawPath: "/alertmanager",
      rawQueryString: "",
      headers,
      requestContext,
      body,
    }
    return this.#handle({ door: "alarm", event: { ...event, isBase64Encoded: false } })
  }

  async #handle(asked: EventAsked): Promise<FleetRan> {
    this.process.tell(JSON.stringify(asked))
    return (await this.process.next()) as FleetRan
  }

  async close(): Promise<void> {
    this.process.signal("SIGKILL")
    await this.process.ended
  }
}

/** What Alertmanager posts, one alert for each of these supernodes. */
export function alertmanagerBody(
  alertname: string,
  { from, count }: { from: number; count: number },
): object {
  const startsAt = new Date().toISOString()
  const alerts = Array.from({ length: count }, (_, i) => ({
    status: "firing",
    labels: { alertname: `${alertname}-${from + i}` },
    annotations: {},
    startsAt,
    endsAt: "0001-01-01T00:00:00Z",
    fingerprint: `${Date.now()}-${from + i}`,
  }))
  return { version: "4", receiver: "bench", status: "firing", groupLabels: {}, commonLabels: {}, alerts }
}
