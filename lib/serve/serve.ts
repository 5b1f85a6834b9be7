import type { IncomingMessage } from "node:http"
import type { App } from "../app/app.ts"
import type { PolicyFile } from "../policy-file/load.ts"
import type { Clock } from "../ports.ts"
import type { AdmissionLimits } from "./admission-queue.ts"
import { CloudHealth } from "./cloud-health.ts"
import { type NextTime, nextTimeOf } from "./cron.ts"
import { Deadline } from "./deadline.ts"
import type { Emit } from "./event.ts"
import { Exposition } from "./exposition.ts"
import { LedgerHealth } from "./health.ts"
import { type ListenerLimits, listen, listenerOf, type Reply } from "./listener.ts"
import { type LivePage, livePageReply, type PagePath } from "./live-page.ts"
import { type Denial, readerDenial } from "./reader-access.ts"
import { respondTo } from "./respond.ts"
import { type EndedTick, Runs } from "./runs.ts"
import { healthReply, readinessReply, type ServeStatus } from "./status-replies.ts"
import { Ticker } from "./ticker.ts"
import { systemTimer, type Timer } from "./timer.ts"

// One process on one host for webhooks and ticks. Both use the same run as the functions.
//
//   webhook ──▶ authenticate ──▶ admission queue ──▶ run
//   cron    ──▶ one at a time ───────────────▶ run
//
// Only the ledger protects the money; nothing in this file does. The ledger handles two processes on one
// ledger, a kill -9, and a repeated request.

export interface ServeOptions {
  app: App
  host: string
  /** 0 selects a free port. */
  port: number
  /** Schedule of the ticks, in the policy's time zone. */
  cron: string
  /** `i/n`: the share of the supernodes that ticks cover; webhooks always cover all. Defaults to all. */
  shard?: string
  version: string
  clock: Clock
  emit: Emit
  /** The page that `GET /` returns. */
  page: LivePage
  timer?: Timer
  limits?: Partial<ServeLimits>
}

export type ServeLimits = ListenerLimits & AdmissionLimits

/** Higher than alarms ever need, and lower than the capacity of one process. */
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
/**
 * Challenges for a reader without the token. Each has its own header: a browser reads only one per header.
 */
const CHALLENGE = {
  "www-authenticate": ["Bearer", 'Basic realm="supernode-autoscaler", charset="UTF-8"'],
}
/** Maximum time to finish sending answers to slow readers, after all runs have ended. */
const LAST_ANSWERS_MS = 2_000

export interface Serving {
  url: string
  port: number
  /** Maximum duration of `stop`. */
  graceMs: number
  /** Time of the next tick, epoch milliseconds; `null` if there is none. */
  nextTick(): number | null
  /** Reads the policy file again. An invalid file changes nothing and is reported. */
  reload(): Promise<void>
  /** Accepts no more work and finishes running work. Resolves to the number of runs left after `graceMs`. */
  stop(): Promise<number>
}

/**
 * Starts to serve. Rejects with RangeError if the cron expression is invalid, and with the error of node:net
 * if it cannot listen on host and port.
 */
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
  /** The newest reload was refused, so the previous policy still applies. */
  #isPolicyRefused = false
  readonly #cloud = new CloudHealth()
  readonly #exposition: Exposition

  constructor(options: ServeOptions, exposition: Exposition) {
    const { app, clock, emit, cron, timer = systemTimer } = options
    const limits = { ...LIMITS, ...options.limits }
    this.#options = options
    this.#timer = timer
    this.#deadline = new Deadline(app.settings, clock)
    this.#exposition = exposition
    this.#runs = new Runs({
      app,
      clock,
      emit,
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
      skipped: (tick) => emit({ kind: "tick-skipped", tick }),
    })
    const parts = {
      app,
      clock,
      emit,
      runs: this.#runs,
      health: () => healthReply(this.#status()),
      readiness: () => readinessReply(this.#status()),
      metrics: (incoming: IncomingMessage) => this.#metrics(incoming),
      page: (incoming: IncomingMessage, path: PagePath) => this.#page(incoming, path),
      isStopping: () => this.#stopped !== null,
    }
    this.#listener = listenerOf({ handle: (incoming) => respondTo(parts, incoming), limits, timer })
  }

  async start(): Promise<void> {
    const { port } = await listen(this.#listener, this.#options)
    this.#port = port
    // For example, no file descriptors are left. Running work continues.
    this.#listener.on("error", (error) => {
      this.#options.emit({ kind: "failed", what: "accepting a connection", error })
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
    // Reloads run one after the other, so that the newest file wins.
    this.#reloading = this.#reloading.then(() => this.#reload())
    return this.#reloading
  }

  async #reload(): Promise<void> {
    const { app, cron, emit } = this.#options
    if (this.#stopped) return
    try {
      const file = await app.reloadPolicy()
      if (this.#stopped === null) this.#ticker.start(ticksOf(cron, file))
      this.#isPolicyRefused = false
      emit({ kind: "policy-read", file, next: this.#ticker.due })
    } catch (error) {
      this.#isPolicyRefused = true
      emit({ kind: "policy-refused", error })
    }
  }

  stop(): Promise<number> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<number> {
    const { emit } = this.#options
    this.#deadline.begin()
    emit({ kind: "stopping", graceMs: this.graceMs, running: this.#runs.running })
    this.#ticker.stop()
    // We listen until the end, to tell senders to send again, and health checks that we are stopping.
    await this.#atMost(this.graceMs, this.#runs.stop())
    const left = this.#runs.running
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()))
    if (left === 0) await this.#atMost(LAST_ANSWERS_MS, closed)
    this.#listener.closeAllConnections()
    emit({ kind: "stopped", left })
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

/** Ticks use the time zone of the policy's first supernode, since its schedules have the same author. */
function ticksOf(cron: string, { supernodes }: PolicyFile): NextTime {
  return nextTimeOf(cron, supernodes[0]?.policy.timezone ?? "UTC")
}
