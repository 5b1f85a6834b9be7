import type { IncomingMessage } from "node:http"
import type { App } from "../app/app.ts"
import type { PolicyFile } from "../policy-file/load.ts"
import type { Clock } from "../ports.ts"
import type { TurnstileLimits } from "./admission-queue.ts"
import { CloudHealth } from "./cloud-health.ts"
import { type NextTime, nextTimeOf } from "./cron.ts"
import { Deadline } from "./deadline.ts"
import type { Emit } from "./event.ts"
import { answerTo } from "./exchange.ts"
import { Exposition } from "./exposition.ts"
import { LedgerHealth } from "./health.ts"
import { type ListenerLimits, listen, listenerOf, type Reply } from "./listener.ts"
import { type LivePage, livePageReply, type PagePath } from "./live-page.ts"
import { type Denial, readerDenial } from "./reader-access.ts"
import { type EndedTick, Runs } from "./runs.ts"
import { healthReply, readinessReply, type ServeStatus } from "./status-replies.ts"
import { Ticker } from "./ticker.ts"
import { systemTimer, type Timer } from "./timer.ts"

// One process for one host: webhooks and ticks, each through the very run that the functions take.
//
//   webhook ──▶ who sent it? ──▶ turnstile ──▶ run
//   cron    ──▶ one at a time ───────────────▶ run
//
// Only the ledger protects the money, and nothing in here: two of these on one ledger, a kill -9, or a request that comes
// twice are all the ledger's everyday business.

export interface ServeOptions {
  app: App
  host: string
  /** 0 takes a free one. */
  port: number
  /** Of the ticks, in the policy's time zone. */
  cron: string
  /** `i/n`: its ticks are for this share of the supernodes, its webhooks for all. Left out: ticks are for all, too. */
  shard?: string
  version: string
  clock: Clock
  tell: Emit
  /** What `GET /` shows. */
  page: LivePage
  timer?: Timer
  limits?: Partial<ServeLimits>
}

export type ServeLimits = ListenerLimits & TurnstileLimits

/** Above what alarms ever need, below what one process can bear. */
const LIMITS: ServeLimits = {
  headersMs: 10_000,
  requestMs: 20_000,
  checkMs: 1_000,
  keepAliveMs: 5_000,
  lingerMs: 1_000,
  lingerBytes: 1024 * 1024,
  connections: 256,
  inside: 8,
  waiting: 64,
}
/** What a reader without the token may answer to. Each is a header of its own: a browser reads only one challenge per header. */
const CHALLENGE = {
  "www-authenticate": ["Bearer", 'Basic realm="supernode-autoscaler", charset="UTF-8"'],
}
/** Answers on their way to slow readers get this long once all runs have ended. */
const LAST_ANSWERS_MS = 2_000

export interface Serving {
  url: string
  port: number
  /** Maximum duration of `stop`. */
  graceMs: number
  /** When the next tick is due, epoch milliseconds; null: never. */
  nextTick(): number | null
  /** Reads the policy file again; an invalid one changes nothing and is reported. */
  reload(): Promise<void>
  /** Takes nothing more, and finishes what runs. Resolves to how many runs were left when the time was over. */
  stop(): Promise<number>
}

/** Starts to serve. Rejects with RangeError on an invalid cron expression, and with the error of node:net on host and port. */
export async function startServing(options: ServeOptions): Promise<Serving> {
  const server = new Server(options, await Exposition.open(options))
  await server.start()
  return server
}

class Server implements Serving {
  readonly #options: ServeOptions
  readonly #timer: Timer
  readonly #deadline: Deadline
  readonly #runs: Runs
  readonly #ticker: Ticker
  readonly #ledger: LedgerHealth
  readonly #listener: ReturnType<typeof listenerOf>
  #port = 0
  #stopped: Promise<number> | null = null
  #reloading: Promise<void> = Promise.resolve()
  /** The newest reload was refused: what the operator wrote is not in force. */
  #isPolicyRefused = false
  readonly #cloud = new CloudHealth()
  readonly #exposition: Exposition

  constructor(options: ServeOptions, exposition: Exposition) {
    const { app, clock, tell, cron, timer = systemTimer } = options
    const limits = { ...LIMITS, ...options.limits }
    this.#options = options
    this.#timer = timer
    this.#deadline = new Deadline(app.settings, clock)
    this.#exposition = exposition
    this.#runs = new Runs({
      app,
      clock,
      tell,
      limits,
      deadline: this.#deadline,
      ...(options.shard === undefined ? {} : { shard: options.shard }),
      record: (facts) => exposition.record(facts),
      ticked: (tick) => this.#ticked(tick),
    })
    this.#ledger = new LedgerHealth({ app, clock, timer })
    this.#ticker = new Ticker({
      next: ticksOf(cron, app.policies),
      clock,
      timer,
      tick: (at) => this.#runs.tick(at),
      skipped: (tick) => tell({ kind: "tick-skipped", tick }),
    })
    const exchange = {
      app,
      clock,
      tell,
      runs: this.#runs,
      health: () => healthReply(this.#status()),
      readiness: () => readinessReply(this.#status()),
      metrics: (incoming: IncomingMessage) => this.#metrics(incoming),
      page: (incoming: IncomingMessage, path: PagePath) => this.#page(incoming, path),
      isStopping: () => this.#stopped !== null,
    }
    this.#listener = listenerOf({ answer: (incoming) => answerTo(exchange, incoming), limits, timer })
  }

  async start(): Promise<void> {
    const { port } = await listen(this.#listener, this.#options)
    this.#port = port
    // Out of file descriptors, for one: what runs goes on.
    this.#listener.on("error", (error) => {
      this.#options.tell({ kind: "failed", what: "accepting a connection", error })
    })
    this.#ticker.start()
  }

  get port(): number {
    return this.#port
  }

  get url(): string {
    const { host } = this.#options
    return `http://${host.includes(":") ? `[${host}]` : host}:${this.#port}`
  }

  get graceMs(): number {
    return this.#deadline.graceMs
  }

  nextTick(): number | null {
    return this.#ticker.due
  }

  reload(): Promise<void> {
    // One after the other, so that the newest file wins.
    this.#reloading = this.#reloading.then(() => this.#reload())
    return this.#reloading
  }

  async #reload(): Promise<void> {
    const { app, cron, tell } = this.#options
    if (this.#stopped) return
    try {
      const file = await app.reloadPolicy()
      if (this.#stopped === null) this.#ticker.start(ticksOf(cron, file))
      this.#isPolicyRefused = false
      tell({ kind: "policy-read", file, next: this.#ticker.due })
    } catch (error) {
      this.#isPolicyRefused = true
      tell({ kind: "policy-refused", error })
    }
  }

  stop(): Promise<number> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<number> {
    const { tell } = this.#options
    this.#deadline.begin()
    tell({ kind: "stopping", graceMs: this.graceMs, running: this.#runs.running })
    this.#ticker.stop()
    // It listens till the end: meanwhile senders are asked to send again, and a health check learns that we are stopping.
    await this.#atMost(this.graceMs, this.#runs.stop())
    const left = this.#runs.running
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()))
    if (left === 0) await this.#atMost(LAST_ANSWERS_MS, closed)
    this.#listener.closeAllConnections()
    tell({ kind: "stopped", left })
    return left
  }

  async #atMost(ms: number, work: Promise<void>): Promise<void> {
    let cancel = (): void => undefined
    const over = new Promise<void>((resolve) => {
      cancel = this.#timer.after(ms, resolve)
    })
    await Promise.race([work, over])
    cancel()
  }

  #ticked(tick: EndedTick): void {
    this.#cloud.tickEnded(tick)
    if (tick.error === undefined) this.#exposition.ticked(tick.at)
  }

  async #metrics(incoming: IncomingMessage): Promise<Reply> {
    const denial = readerDenial(incoming, this.#options.app.settings.metricsTokens)
    if (denial === null) {
      const body = await this.#exposition.text(this.#isPolicyRefused)
      return { status: 200, body, textType: this.#exposition.contentType }
    }
    return denied(denial)
  }

  async #page(incoming: IncomingMessage, path: PagePath): Promise<Reply> {
    const { app, page } = this.#options
    const denial = readerDenial(incoming, app.settings.metricsTokens)
    return denial === null ? livePageReply(page, path) : denied(denial)
  }

  #status(): ServeStatus {
    const { app, version } = this.#options
    return {
      app,
      version,
      ledger: this.#ledger,
      cloud: this.#cloud,
      runs: this.#runs,
      nextTick: this.#ticker.due,
      isStopping: this.#stopped !== null,
      isPolicyRefused: this.#isPolicyRefused,
    }
  }
}

function denied({ status, error }: NonNullable<Denial>): Reply {
  return { status, body: { error }, ...(status === 401 ? { headers: CHALLENGE } : {}) }
}

/** The policy's schedules and these ticks are written by one hand, so they are read in one zone. */
function ticksOf(cron: string, { supernodes }: PolicyFile): NextTime {
  return nextTimeOf(cron, supernodes[0]?.policy.timezone ?? "UTC")
}
