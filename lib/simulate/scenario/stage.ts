import { newestPeriods, type Reading } from "../../decision/inputs/reading.ts"
import type { AlarmSignal, Signal } from "../../decision/inputs/signal.ts"
import { presentServers, type Server } from "../../decision/inputs/supernode.ts"
import type { LoadedPolicy } from "../../decision/policy/loaded-policy.ts"
import type { RunMode } from "../../decision/situation.ts"
import type { OpenAttempt } from "../../decision/state/attempt.ts"
import type { OperatorCommand } from "../../decision/state/control.ts"
import type { Outcome } from "../../decision/state/outcome.ts"
import { type AuditedLedger, ledgerOver } from "../../ledger/chain.ts"
import { commandAll, commandSupernode } from "../../ledger/commands.ts"
import type { LedgerEntry } from "../../ledger/entry.ts"
import { initLedger } from "../../ledger/init.ts"
import { openMemoryStore } from "../../ledger/memory.ts"
import { stateOf, supernodeStream } from "../../ledger/next-entry.ts"
import { readAlarm } from "../../metrics/alarm.ts"
import type { BuyOrder, Cloud, MetricQuery, Ports, Read } from "../../ports.ts"
import type { RunResult } from "../../run/result.ts"
import { run } from "../../run/run.ts"
import { ModelSupernode } from "../model-supernode.ts"
import { outcomeOf, takesEffect } from "../order-ending.ts"
import type { Scenario, Step } from "./script.ts"

// Environment of scenarios: virtual time, a model of the cloud, a ledger in memory, and the real `run` on the
// real policy file. It makes no decision.

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

type CloudChange = NonNullable<Step["cloud"]>

/** The policy that scenarios are played against. */
export interface ScenarioPolicy {
  /** Number of servers that each supernode starts with, for a scenario that names no supernodes. */
  readonly supernodes: Readonly<Record<string, number>>
  /** Policies of these supernodes with a scenario's keys. Throws ScenarioKeysError if they are not valid. */
  load(keys: ScenarioKeys): Promise<readonly LoadedPolicy[]>
}

export interface ScenarioKeys {
  /** Names of the scenario's supernodes. */
  names: readonly string[]
  /** Keys that replace those of each supernode. */
  policy: Readonly<Record<string, unknown>>
  /** Keys that replace those of the whole file. */
  file: Readonly<Record<string, unknown>>
}

export interface SettleRequest {
  name: string
  as: "accepted" | "completed" | "absent"
  shown: OpenAttempt
  current: OpenAttempt | null
  /** True if the run that sent the order recorded an outcome. */
  isAnswered: boolean
  look: { ok: true; servers: Server[]; skewMs: number | null; date: number | null }
  now: number
}

export interface StageOptions {
  policy: ScenarioPolicy
  /** Reason why the command `settle` refuses this; `null` if it accepts. */
  whyNotSettled(request: SettleRequest): string | null
}

export class Stage {
  now: number
  readonly orders: BuyOrder[] = []
  readonly ledger: AuditedLedger
  /** Hash of the plan that was shown last. */
  shown: string | null = null
  private mode: RunMode
  private provisioningMs: number
  private unreadable: readonly string[] = []
  private refusesKeys = false
  private skewMs = 0
  private policies = new Map<string, LoadedPolicy>()
  private overrides: Record<string, unknown>
  private readonly supernodes = new Map<string, ModelSupernode>()
  private readonly last = new Map<string, Signal>()
  private ids = 0

  private constructor(
    private readonly scenario: Scenario,
    private readonly options: StageOptions,
    ledger: AuditedLedger,
  ) {
    this.ledger = ledger
    this.now = this.day
    this.mode = scenario.mode
    this.provisioningMs = scenario.provisioning
    this.overrides = scenario.policy
  }

  static async open(scenario: Scenario, options: StageOptions): Promise<Stage> {
    const stage = new Stage(scenario, options, ledgerOver(openMemoryStore()))
    const words = { by: "scenario", why: "a scenario begins", nothingInFlight: true }
    await initLedger({ ...stage.commandPorts(), ledger: stage.ledger }, words)
    await stage.loadPolicies()
    for (const [name, count] of Object.entries(stage.startingServers)) {
      const { id } = stage.policyOf(name).policy
      stage.supernodes.set(name, new ModelSupernode({ name, id, count, since: stage.day - 30 * DAY }))
    }
    return stage
  }

  async close(): Promise<void> {
    await this.ledger.close()
  }

  private get day(): number {
    return Date.parse(`${this.scenario.day}T00:00:00Z`)
  }

  private get startingServers(): Readonly<Record<string, number>> {
    return this.scenario.supernodes ?? this.options.policy.supernodes
  }

  /** Name of the supernode of a step; the first one of the scenario if the step names none. */
  nameOf({ on }: Pick<Step, "on">): string {
    return on ?? Object.keys(this.startingServers)[0] ?? ""
  }

  private commandPorts() {
    return {
      ledger: this.ledger,
      clock: { now: () => this.now, monotonic: () => this.now, wait: noWait },
      newId: this.newId,
    }
  }

  moveTo(at: number): void {
    this.now = this.day + at
  }

  newId = (): string => `id-${++this.ids}`

  async changePolicy(over: Record<string, unknown>): Promise<void> {
    this.overrides = { ...this.overrides, ...over }
    await this.loadPolicies()
  }

  private async loadPolicies(): Promise<void> {
    const { file } = this.scenario
    const names = Object.keys(this.startingServers)
    const loaded = await this.options.policy.load({ names, policy: this.overrides, file })
    this.policies = new Map(loaded.map((one) => [one.policy.name, one]))
  }

  private supernode(name: string): ModelSupernode {
    return found(this.supernodes.get(name), name)
  }

  policyOf(name: string): LoadedPolicy {
    return found(this.policies.get(name), name)
  }

  setMode(mode: RunMode): void {
    this.mode = mode
  }

  changeCloud(name: string, change: CloudChange): void {
    const supernode = this.supernode(name)
    if (change.next) supernode.endings = [...change.next]
    if (change.delivers !== undefined) supernode.delivers = change.delivers
    if (change.provisioning !== undefined) this.provisioningMs = change.provisioning
    if (change.add !== undefined) supernode.arrive(change.add, { now: this.now, runsAt: this.now })
    if (change.delete) supernode.setStatus(change.delete, "DELETED")
    for (const id of change.hide ?? []) supernode.hidden.add(id)
    for (const id of change.show ?? []) supernode.hidden.delete(id)
    for (const [id, status] of Object.entries(change.server ?? {})) supernode.setStatus([id], status)
    if (change.status !== undefined) supernode.status = change.status
    if (change.sold_out) supernode.soldOut = change.sold_out
    if (change.not_offered) supernode.notOffered = change.not_offered
    if (change.unreadable) this.unreadable = change.unreadable
    if (change.refuses_keys !== undefined) this.refusesKeys = change.refuses_keys
    if (change.clock_ahead !== undefined) this.skewMs = change.clock_ahead
  }

  /** Signal of a step. A repeated delivery returns the previous signal of the same kind. */
  signalOf(step: Step): Signal {
    const { alarm, tick, request } = step
    const on = this.nameOf(step)
    const kind = alarm ? "alarm" : tick ? "tick" : "request"
    const before = this.last.get(`${on} ${kind}`)
    const again = alarm?.again ?? tick?.again
    const signal = again && before ? before : this.newSignal(on, { alarm, tick, request })
    this.last.set(`${on} ${kind}`, signal)
    return signal
  }

  private newSignal(on: string, { alarm, request }: Pick<Step, "alarm" | "tick" | "request">): Signal {
    const id = this.newId()
    if (alarm) return { kind: "alarm", id, ...this.alarmOf(on, alarm) }
    if (!request) return { kind: "tick", id, name: "every-5-minutes", at: this.now }
    const planHash = { shown: this.shown, other: `sha256:${"0".repeat(64)}`, none: null }[request.plan]
    return {
      kind: "request",
      id,
      at: this.now,
      supernode: on,
      mode: request.mode,
      servers: request.servers ?? null,
      requestedBy: request.by,
      why: "launch week",
      planHash: request.mode === "dry-run" ? null : planHash,
      bypassCooldown: request.bypass_cooldown,
    }
  }

  /** An alarm of the supernode's first Cloud Eye alarm, otherwise of its first CloudWatch alarm. */
  private alarmOf(
    on: string,
    { age, state, points: values }: NonNullable<Step["alarm"]>,
  ): Omit<AlarmSignal, "kind" | "id"> {
    const { alarms } = this.policyOf(on).policy
    const listed =
      alarms.find((one) => one["cloud-eye"] !== undefined) ??
      alarms.find((one) => one.cloudwatch !== undefined)
    const { alarm, source } =
      listed?.cloudwatch !== undefined
        ? { alarm: listed.cloudwatch, source: "cloudwatch" as const }
        : { alarm: listed?.["cloud-eye"] ?? "al0000000000000scenario", source: "cloud-eye" as const }
    const at = this.now - age
    const points = values?.map((value, i) => ({ at: at - i * MINUTE, value })).reverse() ?? null
    const { metric = "npu_util_rate_ai_core", namespace = "AGT.ECS" } = listed ?? {}
    return {
      source,
      alarm,
      labels: {},
      resource: { instance_id: "ecs-s1" },
      state,
      at,
      episode: { key: `${alarm} instance_id:ecs-s1`, startsAt: null },
      points,
      periodMs: points ? MINUTE : null,
      metric: { namespace, name: metric, unit: "%" },
    }
  }

  async wake(name: string, signal: Signal): Promise<RunResult> {
    const loaded = this.policyOf(name)
    const ports: Ports = {
      ledger: this.ledger,
      cloud: this.cloudOf(name),
      clock: {
        now: () => this.now,
        monotonic: () => this.now,
        wait: async (ms) => {
          this.now += ms
        },
      },
      notify: null,
      newId: this.newId,
      timeLeftMs: () => Number.POSITIVE_INFINITY,
    }
    const result = await run(ports, {
      signal,
      exclusive: true,
      loaded,
      mode: signal.kind === "request" && signal.mode === "dry-run" ? "dry-run" : this.mode,
      run: this.newId(),
      stream: supernodeStream(loaded.policy.id),
      endpoint: "https://modelarts.test",
      buyTimeoutMs: MINUTE,
      sendWithinMs: MINUTE / 2,
      fleetStreams: [...this.policies.values()].map(({ policy }) => supernodeStream(policy.id)),
    })
    if (result.plan) this.shown = result.plan.hash
    return result
  }

  private cloudOf(name: string): Cloud {
    const supernode = this.supernode(name)
    return {
      readSupernode: async () => this.answer("supernode", supernode.at(this.now)),
      readOffers: async (policy) =>
        this.answer(
          "offers",
          policy.ladder
            .filter(({ flavor }) => !supernode.notOffered.includes(flavor))
            .map(({ flavor }) => ({ flavor, soldOut: supernode.soldOut.includes(flavor) })),
        ),
      readMetrics: async (query) => query.policy.rules.map((rule) => this.readingOf(name, rule, query)),
      buy: async (order) => this.buy(supernode, order),
    }
  }

  private answer<T>(what: string, value: T): Read<T> {
    if (!this.unreadable.includes(what))
      return { ok: true, value, skewMs: this.skewMs, date: this.now + this.skewMs }
    return { ok: false, ...this.failure() }
  }

  /** Failure of every read that the scenario makes unreadable. */
  private failure(): { why: string; credentials: boolean } {
    return { why: this.refusesKeys ? "HTTP 401" : "HTTP 503", credentials: this.refusesKeys }
  }

  private readingOf(
    name: string,
    rule: LoadedPolicy["policy"]["rules"][number],
    query: MetricQuery,
  ): Reading {
    if (rule.metric.alarm) return readAlarm(rule.name, query)
    const source = rule.metric["cloud-eye"] ?? rule.metric.prometheus ?? rule.metric.cloudwatch
    const periodMs = source?.period ?? MINUTE
    if (this.unreadable.includes("metrics")) {
      const { why, credentials } = this.failure()
      return {
        rule: rule.name,
        periodMs,
        series: [],
        problem: `the meter could not be read: ${why}`,
        ...(credentials ? { credentials } : {}),
      }
    }
    const starts = newestPeriods({
      now: query.now,
      periodMs,
      lagMs: rule.metric.lag,
      count: rule.points.n,
    })
    const servers = rule.metric["cloud-eye"] ? presentServers(query.supernode).map(({ id }) => id) : [null]
    const series = servers.map((server) => ({
      server,
      points: starts
        .flatMap((at) => {
          const value = this.loadAt(at, { on: name, rule: rule.name, server })
          return value === null ? [] : [{ at, value }]
        })
        .reverse(),
    }))
    return { rule: rule.name, periodMs, series, problem: null }
  }

  private loadAt(at: number, of: { on: string; rule: string; server: string | null }): number | null {
    const line = this.scenario.load.findLast(
      ({ from, on, rule, server }) =>
        this.day + from <= at &&
        (on === undefined || on === of.on) &&
        (rule === undefined || rule === of.rule) &&
        (server === undefined || server === of.server),
    )
    return line?.value ?? null
  }

  private buy(supernode: ModelSupernode, order: BuyOrder): Outcome {
    const ending = supernode.endings.shift() ?? "accepted"
    if (ending !== "not-sent") this.orders.push(order)
    if (takesEffect(ending)) {
      const count = supernode.delivers ?? order.plan.to - order.plan.from
      const runsAt = Math.max(this.day, this.now + this.provisioningMs)
      supernode.arrive(count, { now: this.now, runsAt })
      supernode.delivers = null
    }
    return outcomeOf(ending, { orderId: "CS1", servers: [] })
  }

  async say(name: string, command: OperatorCommand): Promise<void> {
    const ports = this.commandPorts()
    if (command.verb !== "settle" && command.verb !== "reset") {
      await commandAll(ports, command)
      return
    }
    const { policy } = this.policyOf(name)
    const servers = presentServers(this.supernode(name).at(this.now))
    await commandSupernode(ports, supernodeStream(policy.id), {
      said: command.verb === "settle" ? { ...command, servers: servers.map(({ id }) => id) } : command,
      check: (state) => {
        if (command.verb !== "settle") return
        if (!state.attempt) throw new Error("there is no attempt to settle")
        const shown = { ...state.attempt, id: command.attempt }
        const look = { ok: true as const, servers, skewMs: this.skewMs, date: this.now + this.skewMs }
        const why = this.options.whyNotSettled({
          name,
          as: command.as,
          shown,
          current: state.attempt,
          isAnswered: false,
          look,
          now: this.now,
        })
        if (why !== null) throw new Error(why)
      },
    })
  }

  async attemptOf(name: string): Promise<string> {
    const head = await this.ledger.head(supernodeStream(this.policyOf(name).policy.id))
    return stateOf(head).attempt?.id ?? "none"
  }

  async entries(name: string): Promise<LedgerEntry[]> {
    const entries: LedgerEntry[] = []
    for await (const entry of this.ledger.read(supernodeStream(this.policyOf(name).policy.id)))
      entries.push(entry)
    return entries
  }
}

async function noWait(): Promise<void> {}

function found<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new RangeError(`the scenario has no supernode ${name}`)
  return value
}
