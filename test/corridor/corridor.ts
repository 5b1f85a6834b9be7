import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  type DoorHandler,
  type DoorResponse,
  type EmitMetrics,
  type Host,
  makeHandler,
  type StartApp,
} from "../../functions/door.ts"
import { onFunctionGraph } from "../../functions/functiongraph-context.ts"
import type { App, DoorName } from "../../lib/app/app.ts"
import { type Replacements, startApp } from "../../lib/app/start.ts"
import type { SmnRequests } from "../../lib/huawei/smn.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import { type AuditedLedger, openLedger } from "../../lib/ledger/open.ts"
import type { After, Clock } from "../../lib/ports.ts"
import type { RunResult } from "../../lib/run/result.ts"
import { type Sandbox, type SandboxOptions, startSandbox } from "../../lib/sandbox/sandbox.ts"
import { contextOf } from "../functions/context.ts"
import { initialised } from "../ledger/initialised.ts"
import { entriesOf } from "../world/entries.ts"
import { settingsOfCloud, settingsOfFolder } from "../world/settings.ts"

// The whole corridor on loopback: the doors' own handlers, the real wiring, a real SQLite file, and the
// sandbox as the cloud. Sandbox and app share one clock, set to the time of the event under test.

export const SUPERNODE_ID = "b4beacb6-4380-448c-a218-daa82cf03f5d"
export const PROJECT_ID = "0123456789abcdef0123456789abcdef"
/** The instance that the Cloud Eye events are about. */
const INSTANCE_ID = "ed5e8d39-1c3b-4a7e-9a5f-0a4b7e1f2c3d"
export const USERDATA = "#!/bin/bash\necho user_test > /home/user.txt\n"
export const KEYS = { ak: "SANDBOX-AK", sk: "SANDBOX-SK" }
const WEBHOOK_TOKEN = "THE-WEBHOOK-TOKEN"

/** Lists the alarms and topics of the events in test/events. The evidence always comes from Cloud Eye. */
export const POLICY = `
version: 1
smn_topics: [ "urn:smn:cn-southwest-2:${PROJECT_ID}:supernode-alarms" ]
sns_topics: [ "arn:aws:sns:eu-central-1:123456789012:supernode-alarms" ]
supernodes:
  - name: train-a
    region: cn-southwest-2
    project_id: ${PROJECT_ID}
    id: ${SUPERNODE_ID}
    alarms:
      - cloud-eye: al1704475580412b2a4lnr3W
      - cloudwatch: arn:aws:cloudwatch:eu-central-1:123456789012:alarm:npu-busy
      - cloudwatch: arn:aws:cloudwatch:eu-central-1:123456789012:alarm:npu-busy-and-queued
      - alertmanager: { alertname: NpuBusy, cluster: train-a }
    rules:
      - name: npu-busy
        metric: { cloud-eye: { namespace: AGT.ECS, name: npu_util_rate_ai_core, period: 5m } }
        above: 85
        points: 3 of 5
    ladder:
      - { flavor: kat3ne-8.48xlarge.8.800t.matrix, servers: 1 }
      - { flavor: kat3ne-16-400t.96xlarge.8.matrix, servers: 2 }
      - { flavor: kat3ne-32-800t.192xlarge.8.matrix, servers: 4 }
    order:
      image_id: f4059eb4-c2f5-46a8-9b33-6cbed5d3fc81
      key_pair_name: KeyPair-42c4
      root_volume: { size: 200, type: ESSD }
      data_volume: { size: 1000, type: GPSSD, count: 2 }
      userdata_file: boot.sh
    limits: { actions: 2 per 24h, servers: 48 }
`

/** The same policy with prices, and with a budget for the supernode. */
export const PRICED_POLICY = POLICY.replace(
  "servers: 2 }",
  "servers: 2, price: { amount: 120000, currency: CNY, per: month } }",
)
  .replace("servers: 4 }", "servers: 4, price: { amount: 240000, currency: CNY, per: month } }")
  .replace("servers: 48 }", "servers: 48, budget: { amount: 500000, currency: CNY, per: 30d } }")

/** The request body that must arrive at the cloud, byte for byte. */
export const EXPECTED_BODY = JSON.stringify({
  flavor: "kat3ne-32-800t.192xlarge.8.matrix",
  image_id: "f4059eb4-c2f5-46a8-9b33-6cbed5d3fc81",
  key_pair_name: "KeyPair-42c4",
  root_volume: { size: 200, type: "ESSD" },
  data_volume: { size: 1000, type: "GPSSD", count: 2 },
  userdata: Buffer.from(USERDATA).toString("base64"),
})

export interface CorridorOptions {
  /** Time of everything that happens, in epoch milliseconds. */
  at: number
  policy?: string
  sandbox?: Partial<SandboxOptions>
  settings?: Record<string, string>
  smn?: SmnRequests
  cloudwatch?: NonNullable<Replacements["cloudwatch"]>
  /** Timers of supernodes that wait for each other. Defaults to real timers. */
  after?: After
  /** The emitter of metrics that each platform's functions are built with. By default, nothing is emitted. */
  emitMetrics?: EmitMetrics
  /** Defaults to a clock that is shared with the sandbox. */
  clock?: Clock
}

/** The part of a sandbox that the corridor needs. The sandbox may run in another process. */
export interface SomeSandbox {
  readonly url: string
  now(): number
  close(): Promise<void>
}

export class Corridor<S extends SomeSandbox = Sandbox> {
  private readonly apps: App[] = []
  private readonly handlers = new Map<DoorName, DoorHandler>()

  private constructor(
    readonly folder: string,
    readonly sandbox: S,
    readonly ledger: AuditedLedger,
    private readonly options: Omit<CorridorOptions, "at" | "sandbox">,
  ) {}

  static async open(options: CorridorOptions): Promise<Corridor> {
    const sandbox = await startSandbox({ now: () => options.at, ...SANDBOX, ...options.sandbox })
    return Corridor.over(sandbox, options, options.at)
  }

  /** Opens a corridor over a sandbox that was started elsewhere; the corridor closes it. */
  static async over<S extends SomeSandbox>(
    sandbox: S,
    options: Omit<CorridorOptions, "at" | "sandbox">,
    at: number = Date.now(),
  ): Promise<Corridor<S>> {
    const folder = mkdtempSync(join(tmpdir(), "corridor-"))
    writeFileSync(join(folder, "policy.yaml"), options.policy ?? POLICY)
    writeFileSync(join(folder, "boot.sh"), USERDATA)
    const ledger = await openLedger(`sqlite:${join(folder, "ledger.db")}`)
    return new Corridor(folder, sandbox, await initialised(ledger, at), options)
  }

  /** Sends one event through a door of AWS Lambda. */
  async lambda(door: DoorName, event: unknown): Promise<DoorResponse> {
    return this.handler(door)(event, contextOf({ host: this.host() }))
  }

  /** Sends one event through a door of FunctionGraph, with an agency's temporary keys. */
  async functionGraph(door: DoorName, event: unknown): Promise<DoorResponse> {
    const settings = this.settings()
    return onFunctionGraph(this.handler(door))(event, {
      getRequestID: () => "7c307f6a-cf68-4e65-8be0-4c77405a1b2c",
      getRemainingTimeInMilliSeconds: () => 180_000,
      getUserData: (name) => (name.startsWith("HUAWEICLOUD_SDK_") ? undefined : settings[name]),
      getSecurityAccessKey: () => "TEMPORARY-AK",
      getSecuritySecretKey: () => "TEMPORARY-SK",
      getSecurityToken: () => "TEMPORARY-TOKEN",
    })
  }

  entries(stream = `supernode:${SUPERNODE_ID}`): Promise<LedgerEntry[]> {
    return entriesOf(this.ledger, stream)
  }

  async close(): Promise<void> {
    await Promise.all(this.apps.map((app) => app.close()))
    await this.ledger.close()
    await this.sandbox.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  settings(): Record<string, string> {
    return {
      ...settingsOfFolder(this.folder),
      ...settingsOfCloud(this.sandbox.url, KEYS),
      SUPERNODE_WEBHOOK_TOKEN: WEBHOOK_TOKEN,
      ...this.options.settings,
    }
  }

  private host(): Host {
    const settings = this.settings()
    return { readSetting: (name) => settings[name], settingNames: Object.keys(settings), credentials: null }
  }

  /** One handler per door, as in a container; the first event starts the app. */
  private handler(door: DoorName): DoorHandler {
    const known = this.handlers.get(door)
    if (known) return known
    const { smn, cloudwatch, after, emitMetrics } = this.options
    const shared = { now: () => this.sandbox.now(), monotonic: () => performance.now(), wait: async () => {} }
    const { clock = shared } = this.options
    const start: StartApp = async (settings) => {
      const app = await startApp(settings, {
        clock,
        ...(smn ? { smn } : {}),
        ...(cloudwatch ? { cloudwatch } : {}),
        ...(after ? { after } : {}),
      })
      this.apps.push(app)
      return app
    }
    const made = makeHandler(door, start, emitMetrics)
    this.handlers.set(door, made)
    return made
  }
}

/** Default options of a corridor's sandbox. */
export const SANDBOX = {
  accessKeys: [KEYS, { ak: "TEMPORARY-AK", sk: "TEMPORARY-SK", securityToken: "TEMPORARY-TOKEN" }],
  supernodes: [busySupernode()],
  provisioningMs: 10 * 60_000,
}

/** Two servers, 30 days old, at a load of 97 percent; one of them is the instance that the events name. */
export function busySupernode() {
  return {
    id: SUPERNODE_ID,
    name: "train-a",
    projectId: PROJECT_ID,
    servers: 2,
    instanceIds: [INSTANCE_ID],
    offers: [
      { flavor: "kat3ne-8.48xlarge.8.800t.matrix", servers: 1 },
      { flavor: "kat3ne-16-400t.96xlarge.8.matrix", servers: 2 },
      { flavor: "kat3ne-32-800t.192xlarge.8.matrix", servers: 4 },
    ],
    load: { load: 97 },
  }
}

export function eventOf(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`../events/${name}.json`, import.meta.url), "utf8"))
}

export function resultsOf(answer: DoorResponse): RunResult[] {
  return "results" in answer ? answer.results : JSON.parse(answer.body).results
}
