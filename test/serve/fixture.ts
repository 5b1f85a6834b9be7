import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { type IncomingHttpHeaders, request } from "node:http"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, onTestFinished } from "vitest"
import { LiveReport } from "../../functions/cli/report/live-report.ts"
import { namesOf } from "../../functions/cli/state/in-flight.ts"
import type { App } from "../../lib/app/app.ts"
import { readSettings } from "../../lib/app/settings.ts"
import { startApp } from "../../lib/app/start.ts"
import type { SmnRequests } from "../../lib/huawei/smn.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import { type Sandbox, type SandboxOptions, startSandbox } from "../../lib/sandbox/sandbox.ts"
import type { ServeEvent } from "../../lib/serve/event.ts"
import { type ServeLimits, type ServeOptions, type Serving, startServing } from "../../lib/serve/serve.ts"
import {
  eventOf,
  KEYS,
  POLICY,
  SANDBOX,
  type SomeSandbox,
  SUPERNODE_ID,
  USERDATA,
} from "../corridor/corridor.ts"
import { makeLedger } from "../ledger/initialised.ts"
import { keys } from "../signals/webhooks/webhook-world.ts"
import { entriesOf } from "../world/entries.ts"
import { httpForTest } from "../world/loopback-for-test.ts"
import { settingsOfCloud, settingsOfFolder } from "../world/settings.ts"
import { FakeTimer } from "./fake-timer.ts"

// A serving process on loopback, with the sandbox as its cloud. Both use one clock, which the test moves. A
// sandbox in a process of its own uses the system's clock.

/** A moment after the alarms of test/events, and half a minute before a tick. */
export const NOW = Date.parse("2024-01-12T16:54:30Z")
export const TOKEN = "THE-WEBHOOK-TOKEN"
export const STREAM = `supernode:${SUPERNODE_ID}`
type FixtureSandbox = SomeSandbox & { advance(ms: number): unknown }

/** Runs the work after the test, or after the last test if many tests share the fixture. */
type Later = (work: () => unknown) => void

export interface ServeFixtureOptions {
  policy?: string
  sandbox?: Partial<SandboxOptions>
  settings?: Record<string, string>
  limits?: Partial<ServeLimits>
  cron?: string
  /** Leaves out `ledger init`. */
  withoutLedger?: true
}

export interface ServeResponse {
  status: number
  headers: IncomingHttpHeaders
  body: Record<string, unknown>
}

/** A cloud, and a folder with a policy and a ledger; any number of processes may serve them. */
export class ServeFixture<S extends FixtureSandbox = Sandbox> {
  readonly folder = mkdtempSync(join(tmpdir(), "serve-"))
  readonly timer = new FakeTimer()
  readonly #options: ServeFixtureOptions

  private constructor(
    readonly sandbox: S,
    options: ServeFixtureOptions,
    private readonly later: Later,
  ) {
    this.#options = options
  }

  static async open(options: ServeFixtureOptions = {}, later: Later = afterTheTest): Promise<ServeFixture> {
    const sandbox = await startSandbox({ now: () => NOW, ...SANDBOX, ...options.sandbox })
    return ServeFixture.over(sandbox, options, later)
  }

  /** Opens a fixture over a running sandbox, and closes the sandbox with the fixture. */
  static async over<S extends FixtureSandbox>(
    sandbox: S,
    options: Omit<ServeFixtureOptions, "sandbox"> = {},
    later: Later = afterTheTest,
  ): Promise<ServeFixture<S>> {
    const fixture = new ServeFixture(sandbox, options, later)
    later(() => rmSync(fixture.folder, { recursive: true, force: true }))
    fixture.writePolicy(options.policy ?? POLICY)
    writeFileSync(join(fixture.folder, "boot.sh"), USERDATA)
    later(() => sandbox.close())
    if (!options.withoutLedger) await makeLedger(settingsOfFolder(fixture.folder).SUPERNODE_LEDGER, NOW)
    return fixture
  }

  writePolicy(text: string): void {
    writeFileSync(join(this.folder, "policy.yaml"), text)
  }

  settings(): Record<string, string> {
    return {
      ...settingsOfFolder(this.folder),
      ...settingsOfCloud(this.sandbox.url, KEYS),
      SUPERNODE_WEBHOOK_TOKEN: TOKEN,
      ...this.#options.settings,
    }
  }

  async serve(ticks: Pick<Starting, "shard"> = {}): Promise<Served> {
    const settings = this.settings()
    const app = await startApp(
      readSettings((name) => settings[name], Object.keys(settings)),
      { clock: this.clock, smn: knownSender },
    )
    const served = new Served(app, this)
    const { limits = {}, cron = "*/5 * * * *" } = this.#options
    await served.start({ limits, cron, ...ticks })
    this.later(() => served.close())
    return served
  }

  readonly clock = {
    now: (): number => this.sandbox.now(),
    monotonic: (): number => this.timer.passedMs,
    wait: async (): Promise<void> => undefined,
  }

  /** Advances the time of the cloud, of the clock and of all timers. */
  pass(ms: number): void {
    this.timer.pass(ms, (step) => this.sandbox.advance(step))
  }
}

function afterTheTest(work: () => unknown): void {
  onTestFinished(async () => void (await work()))
}

/** One fixture with one process for all tests of a `describe`, which must leave its state unchanged. */
export function sharedFixture(options: ServeFixtureOptions = {}): { fixture: ServeFixture; served: Served } {
  const closing: (() => unknown)[] = []
  const shared: { fixture?: ServeFixture; served?: Served } = {}
  beforeAll(async () => {
    shared.fixture = await ServeFixture.open(options, (work) => closing.unshift(work))
    shared.served = await shared.fixture.serve()
  })
  afterAll(async () => {
    for (const work of closing) await work()
  })
  return {
    get fixture() {
      if (!shared.fixture) throw new Error("it is not open yet")
      return shared.fixture
    },
    get served() {
      if (!shared.served) throw new Error("it does not serve yet")
      return shared.served
    },
  }
}

type Starting = Pick<ServeOptions, "cron" | "shard"> & { limits: Partial<ServeLimits> }

/** One process that serves a fixture, and all events that it reported. */
export class Served {
  readonly news: ServeEvent[] = []
  #serving: Serving | null = null
  #heard: () => void = () => undefined
  #isClosed = false

  constructor(
    readonly app: App,
    private readonly fixture: Pick<ServeFixture, "clock" | "timer">,
  ) {}

  async start({ limits, ...ticks }: Starting): Promise<void> {
    this.#serving = await startServing({
      app: this.app,
      host: "127.0.0.1",
      port: 0,
      ...ticks,
      version: "1.2.3",
      clock: this.fixture.clock,
      timer: this.fixture.timer,
      limits,
      page: new LiveReport({
        ledger: this.app.ledger,
        clock: this.fixture.clock,
        version: "1.2.3",
        names: () => namesOf(this.app.policies),
      }),
      emit: (news) => {
        this.news.push(news)
        this.#heard()
      },
    })
  }

  get serving(): Serving {
    if (!this.#serving) throw new Error("it does not serve")
    return this.#serving
  }

  /** Waits until at least `count` events of that kind were reported, and returns them. */
  async told<K extends ServeEvent["kind"]>(kind: K, count = 1): Promise<Extract<ServeEvent, { kind: K }>[]> {
    for (;;) {
      const found = this.news.filter((one): one is Extract<ServeEvent, { kind: K }> => one.kind === kind)
      if (found.length >= count) return found
      await new Promise<void>((resolve) => {
        const before = this.#heard
        this.#heard = () => {
          before()
          resolve()
        }
      })
    }
  }

  alert(): Promise<ServeResponse> {
    return this.post("/alertmanager", alertBody())
  }

  post(
    path: string,
    body: string | object,
    headers: Record<string, string | string[]> = bearer(),
  ): Promise<ServeResponse> {
    return this.send("POST", path, { body: typeof body === "string" ? body : JSON.stringify(body), headers })
  }

  get(path: string): Promise<ServeResponse> {
    return this.send("GET", path, {})
  }

  async send(
    method: string,
    path: string,
    options: { body?: string; headers?: Record<string, string | string[]> },
  ): Promise<ServeResponse> {
    const { text, ...answer } = await this.sendForText(method, path, options)
    return { ...answer, body: JSON.parse(text) as Record<string, unknown> }
  }

  /** Sends a request whose response need not be JSON. */
  sendForText(
    method: string,
    path: string,
    { body = "", headers = {} }: { body?: string; headers?: Record<string, string | string[]> } = {},
  ): Promise<Omit<ServeResponse, "body"> & { text: string }> {
    const { port } = this.serving
    return new Promise((resolve, reject) => {
      const sent = request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (response) => {
        const chunks: Buffer[] = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("error", reject)
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        )
      })
      sent.on("error", reject)
      sent.end(body)
    })
  }

  /** Sends exactly these bytes, and returns everything received until the server closes the connection. */
  raw(...parts: string[]): Promise<string> {
    return new Promise((resolve) => {
      let got = ""
      const socket = connect(this.serving.port, "127.0.0.1", () => {
        for (const part of parts) socket.write(part)
      })
      socket.on("data", (chunk) => {
        got += String(chunk)
      })
      socket.on("error", () => undefined)
      socket.on("close", () => resolve(got))
    })
  }

  entries(stream = STREAM): Promise<LedgerEntry[]> {
    return entriesOf(this.app.ledger, stream)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const stopped = this.serving.stop()
    // The grace period passes at once, so that the stop does not wait for runs that the test left behind.
    this.fixture.timer.pass(this.serving.graceMs)
    await new Promise((resolve) => setImmediate(resolve))
    this.fixture.timer.pass(60_000)
    await stopped
    await this.app.close()
  }
}

export function bearer(token = TOKEN): Record<string, string> {
  return { authorization: `Bearer ${token}`, "content-type": "application/json" }
}

/** Alertmanager's firing body from test/events. */
export function alertBody(): string {
  return String(eventOf("function-url-alertmanager")["body"])
}

/** The same body with another fingerprint, which makes it another signal. */
export function otherAlert(fingerprint: string): string {
  return alertBody().replaceAll("1f2e3d4c5b6a7988", fingerprint)
}

const knownSender: SmnRequests = {
  fetchPem: async () => ({ ok: true, value: keys.cert }),
  confirmSubscription: async () => ({ ok: true, value: "" }),
  close: async () => {},
}

/** Holds back delayed responses of the sandbox until the test opens it. */
export interface Gate {
  sandbox: Partial<SandboxOptions>
  /** Resolves once the first request with a delayed response has arrived at the sandbox. */
  arrived: Promise<void>
  open(): void
}

export function gate(): Gate {
  let arrive = (): void => undefined
  let open = (): void => undefined
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve
  })
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const sleep = async (_ms: number, closing: AbortSignal): Promise<void> => {
    arrive()
    await Promise.race([opened, new Promise((resolve) => closing.addEventListener("abort", resolve))])
  }
  return { sandbox: { sleep }, arrived, open: () => open() }
}

/** Starts a webhook on loopback that records the JSON bodies it receives. */
export async function webhook(): Promise<{ address: string; received: unknown[] }> {
  const received: unknown[] = []
  const url = await httpForTest((incoming, answer) => {
    void incoming.toArray().then((chunks) => {
      received.push(JSON.parse(Buffer.concat(chunks).toString()))
      answer.end()
    })
  })
  return { address: `${url}/hook`, received }
}
