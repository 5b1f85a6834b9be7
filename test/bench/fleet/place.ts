import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { makeLedger } from "../../ledger/initialised.ts"
import { type Break, type Bundle, bundleScript } from "../../processes/bundle.ts"
import { OwnProcess } from "../../processes/process.ts"
import { settingsOfCloud, settingsOfFolder } from "../../world/settings.ts"
import type { FleetCloud } from "./cloud.ts"
import { type FleetPolicy, policyFiles } from "./policy.ts"

export interface EventAsked {
  door: "alarm" | "schedule"
  event: unknown
}

/** Result of one event. */
export interface FleetRan {
  tookMs: number
  /** CPU time of this process, to which other processes of the machine do not add. */
  cpuMs: number
  /** Time of the end of each run since the event began. */
  doneMs: number[]
  /** Number of runs by outcome or, without one, by the gate that held them. */
  ends: Record<string, number>
  /** Name of the supernode of each run. */
  supernodes: string[]
  warnings: string[]
  /** Number of reads of heads from the store. */
  headReads: number
  /** Most CPU time between two turns of the event loop, to which other processes do not add. */
  longestPauseMs: number
  /** Most resident memory of the process so far, in MB. */
  residentMb: number
}

const MINUTE_MS = 60_000

export const WEBHOOK_TOKEN = "0123456789abcdef"

/** A policy, a ledger and settings in their own folder. */
export class FleetPlace {
  private constructor(
    private readonly folder: string,
    readonly settings: Record<string, string>,
  ) {}

  /** `ledger` is the ledger's URL. Defaults to a SQLite file in the folder. */
  static async make(cloud: FleetCloud, policy: FleetPolicy, ledger?: string): Promise<FleetPlace> {
    const folder = mkdtempSync(join(tmpdir(), "fleet-"))
    const settings = {
      ...settingsOfFolder(folder),
      ...(ledger === undefined ? {} : { SUPERNODE_LEDGER: ledger }),
      ...settingsOfCloud(cloud.url),
      SUPERNODE_WEBHOOK_TOKEN: WEBHOOK_TOKEN,
    }
    for (const [name, text] of policyFiles(policy)) writeFileSync(join(folder, name), text)
    await makeLedger(settings.SUPERNODE_LEDGER, Date.now())
    return new FleetPlace(folder, settings)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Adds a counter to the bundle for reads that no port shows. */
const COUNTING: Break = {
  says: "counts the questions for newest entries",
  file: "lib/ledger/head-reads.ts",
  from: "    this.#underWay += 1\n",
  to: "    this.#underWay += 1\n    ;(globalThis as { headReads?: number }).headReads! += 1\n",
}

let made: Promise<Bundle> | null = null

/** A process that handles events for the fleet of one `FleetPlace`. */
export class FleetWorker {
  #minutes = 0

  private constructor(private readonly process: OwnProcess) {}

  /** `nodeOptions`: value of NODE_OPTIONS. */
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

  /** Runs the next tick, one minute later by its time. Throws the process's stderr if it died. */
  tick(): Promise<FleetRan> {
    return this.tickAt(Math.floor(Date.now() / MINUTE_MS - 13 + this.#minutes++) * MINUTE_MS)
  }

  /** Runs the tick of that time for all supernodes, or for those of one shard (`i/n`). */
  tickAt(at: number, shard?: string): Promise<FleetRan> {
    const event = { kind: "tick", name: "bench", time: new Date(at).toISOString(), shard }
    return this.#handle({ door: "schedule", event })
  }

  /** Handles one Alertmanager webhook with an alarm for each supernode. */
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

/** Body of an Alertmanager webhook with one alert for each of these supernodes. */
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
