import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { whyNotSettled } from "../../functions/cli/commands/settling.ts"
import { newestPeriods, type Reading } from "../../lib/decision/inputs/reading.ts"
import type { Signal } from "../../lib/decision/inputs/signal.ts"
import { presentServers, type Server, type Supernode } from "../../lib/decision/inputs/supernode.ts"
import type { LoadedPolicy } from "../../lib/decision/policy/loaded-policy.ts"
import type { RunMode } from "../../lib/decision/situation.ts"
import type { Said } from "../../lib/decision/state/control.ts"
import type { Outcome, RejectionClass } from "../../lib/decision/state/outcome.ts"
import { type AuditedLedger, ledgerOver } from "../../lib/ledger/chain.ts"
import { sayTo, sayToAll } from "../../lib/ledger/commands.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import { openMemoryStore } from "../../lib/ledger/memory.ts"
import { standingOf, supernodeStream } from "../../lib/ledger/next-entry.ts"
import { readAlarm } from "../../lib/metrics/alarm.ts"
import { loadPolicyFile } from "../../lib/policy-file/load.ts"
import type { BuyOrder, Cloud, MetricQuestion, Ports, Read } from "../../lib/ports.ts"
import type { RunResult } from "../../lib/run/result.ts"
import { run } from "../../lib/run/run.ts"
import { DAY, MINUTE, policyInput, serverOf } from "../decision/builders.ts"
import { initialised } from "../ledger/initialised.ts"
import { accepted, unknown } from "../run/world.ts"
import type { Scenario, Step } from "./script.ts"

// Where scenarios are played: virtual time, a cloud with memory, a ledger in memory, and the real run() on the real policy
// file. Nothing here decides anything.

type CloudChange = NonNullable<Step["cloud"]>
type Ending = NonNullable<CloudChange["next"]>[number]

/** One supernode as it really is. */
class TrueSupernode {
  servers: Server[]
  status = "ACTIVE"
  hidden = new Set<string>()
  endings: Ending[] = []
  delivers: number | null = null
  soldOut: string[] = []
  notOffered: string[] = []

  constructor(
    readonly name: string,
    readonly id: string,
    count: number,
    private readonly day: number,
  ) {
    const since = day - 30 * DAY
    this.servers = Array.from({ length: count }, (_, i) =>
      serverOf(`s${i + 1}`, { createAt: since, updateAt: since }),
    )
  }

  at(now: number): Supernode {
    const servers = this.servers
      .filter(({ id }) => !this.hidden.has(id))
      .map((server) =>
        server.status === "RUNNING" && (server.updateAt ?? 0) > now ? creating(server, now) : server,
      )
    return { id: this.id, name: this.name, status: this.status, servers }
  }

  arrive(count: number, { now, runsAt }: { now: number; runsAt: number }): void {
    const first = this.servers.length + 1
    const times = { createAt: now, updateAt: Math.max(runsAt, this.day) }
    this.servers.push(...Array.from({ length: count }, (_, i) => serverOf(`s${first + i}`, times)))
  }

  setStatus(ids: string[], status: string): void {
    this.servers = this.servers.map((server) => (ids.includes(server.id) ? { ...server, status } : server))
  }
}

function creating(server: Server, now: number): Server {
  return { ...server, status: "CREATING", updateAt: now }
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
  private readonly supernodes = new Map<string, TrueSupernode>()
  private readonly last = new Map<string, Signal>()
  private ids = 0

  private constructor(
    private readonly scenario: Scenario,
    private readonly folder: string,
    ledger: AuditedLedger,
  ) {
    this.ledger = ledger
    this.now = this.day
    this.mode = scenario.mode
    this.provisioningMs = scenario.provisioning
    this.overrides = scenario.policy
    for (const [i, [name, count]] of Object.entries(scenario.supernodes).entries()) {
      const id = `b4beacb6-4380-448c-a218-daa82cf03f${String(i + 10)}`
      this.supernodes.set(name, new TrueSupernode(name, id, count, this.day))
    }
  }

  static async open(scenario: Scenario): Promise<Stage> {
    const folder = mkdtempSync(join(tmpdir(), "scenario-"))
    const stage = new Stage(scenario, folder, ledgerOver(openMemoryStore()))
    await initialised(stage.ledger, stage.now)
    await stage.loadPolicies()
    return stage
  }

  async close(): Promise<void> {
    await this.ledger.close()
    rmSync(this.folder, { recursive: true, force: true })
  }

  private get day(): number {
    return Date.parse(`${this.scenario.day}T00:00:00Z`)
  }

  moveTo(at: number): void {
    this.now = this.day + at
  }

  newId = (): string => `id-${++this.ids}`

  async changePolicy(over: Record<string, unknown>): Promise<void> {
    this.overrides = { ...this.overrides, ...over }
    await this.loadPolicies()
  }

  /** Through the real file, so that a scenario's policy is one that an operator could write. */
  private async loadPolicies(): Promise<void> {
    const path = join(this.folder, "policy.yaml")
    const supernodes = [...this.supernodes.values()].map(({ name, id }) => ({
      ...policyInput({ ladder: LADDER, limits: { actions: "10 per 24h", servers: 16 } }),
      ...this.overrides,
      name,
      id,
    }))
    writeFileSync(path, JSON.stringify({ version: 1, ...this.scenario.file, supernodes }))
    const file = await loadPolicyFile(path)
    this.policies = new Map(file.supernodes.map((loaded) => [loaded.policy.name, loaded]))
  }

  private supernode(name: string): TrueSupernode {
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

  /** The signal of a step; the last one of its kind where it is delivered again. */
  signalOf({ on, alarm, tick, request }: Step): Signal {
    const kind = alarm ? "alarm" : tick ? "tick" : "request"
    const before = this.last.get(`${on} ${kind}`)
    const again = alarm?.again ?? tick?.again
    const signal = again && before ? before : this.newSignal(on, { alarm, tick, request })
    this.last.set(`${on} ${kind}`, signal)
    return signal
  }

  private newSignal(on: string, { alarm, request }: Pick<Step, "alarm" | "tick" | "request">): Signal {
    const id = this.newId()
    if (alarm) {
      const at = this.now - alarm.age
      const points = alarm.points?.map((value, i) => ({ at: at - i * MINUTE, value })).reverse() ?? null
      return {
        kind: "alarm",
        id,
        source: "cloud-eye",
        alarm: "al1704475580412b2a4lnr3W",
        labels: {},
        resource: { instance_id: "ecs-s1" },
        state: alarm.state,
        at,
        episode: { key: "al1704475580412b2a4lnr3W instance_id:ecs-s1", startsAt: null },
        points,
        periodMs: points ? MINUTE : null,
        metric: { namespace: "AGT.ECS", name: "npu_util_rate_ai_core", unit: "%" },
      }
    }
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
      readMetrics: async (question) =>
        question.policy.rules.map((rule) => this.readingOf(name, rule, question)),
      buy: async (order) => this.buy(supernode, order),
    }
  }

  private answer<T>(what: string, value: T): Read<T> {
    if (!this.unreadable.includes(what))
      return { ok: true, value, skewMs: this.skewMs, date: this.now + this.skewMs }
    return this.refusesKeys
      ? { ok: false, why: "HTTP 401", credentials: true }
      : { ok: false, why: "HTTP 503", credentials: false }
  }

  private readingOf(
    name: string,
    rule: LoadedPolicy["policy"]["rules"][number],
    question: MetricQuestion,
  ): Reading {
    if (rule.metric.alarm) return readAlarm(rule.name, question)
    const source = rule.metric["cloud-eye"] ?? rule.metric.prometheus ?? rule.metric.cloudwatch
    const periodMs = source?.period ?? MINUTE
    if (this.unreadable.includes("metrics")) {
      const refused = this.refusesKeys ? { credentials: true as const } : {}
      return {
        rule: rule.name,
        periodMs,
        series: [],
        problem: "the meter could not be read: HTTP 503",
        ...refused,
      }
    }
    const starts = newestPeriods({
      now: question.now,
      periodMs,
      lagMs: rule.metric.lag,
      count: rule.points.n,
    })
    const servers = rule.metric["cloud-eye"] ? presentServers(question.supernode).map(({ id }) => id) : [null]
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

  private buy(supernode: TrueSupernode, order: BuyOrder): Outcome {
    const ending = supernode.endings.shift() ?? "accepted"
    if (ending === "not-sent") return { kind: "not-sent", reason: "dns", says: "the host has no address" }
    this.orders.push(order)
    if (ending === "accepted" || ending === "lost") {
      const count = supernode.delivers ?? order.plan.to - order.plan.from
      supernode.arrive(count, { now: this.now, runsAt: this.now + this.provisioningMs })
      supernode.delivers = null
    }
    if (ending === "accepted") return accepted
    return ending === "lost" || ending === "vanished" ? unknown : refusal(ending)
  }

  async say(name: string, said: Said): Promise<void> {
    const desk = {
      ledger: this.ledger,
      clock: { now: () => this.now, monotonic: () => this.now, wait: noWait },
      newId: this.newId,
    }
    if (said.verb !== "settle" && said.verb !== "reset") {
      await sayToAll(desk, said)
      return
    }
    const { policy } = this.policyOf(name)
    const servers = presentServers(this.supernode(name).at(this.now))
    await sayTo(desk, supernodeStream(policy.id), {
      said: said.verb === "settle" ? { ...said, servers: servers.map(({ id }) => id) } : said,
      check: (standing) => {
        if (said.verb !== "settle") return
        if (!standing.attempt) throw new Error("there is nothing to settle")
        const shown = { ...standing.attempt, id: said.attempt }
        const look = { ok: true as const, servers, skewMs: this.skewMs, date: this.now + this.skewMs }
        const why = whyNotSettled({
          name,
          as: said.as,
          shown,
          current: standing.attempt,
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
    return standingOf(head).attempt?.id ?? "none"
  }

  async entries(name: string): Promise<LedgerEntry[]> {
    const entries: LedgerEntry[] = []
    for await (const entry of this.ledger.read(supernodeStream(this.policyOf(name).policy.id)))
      entries.push(entry)
    return entries
  }
}

async function noWait(): Promise<void> {}

const LADDER = [1, 2, 4, 8, 16].map((servers) => ({
  flavor: `rung-${servers}`,
  servers,
  price: { amount: servers * 60_000, currency: "CNY", per: "month" as const },
}))

function refusal(of: RejectionClass): Outcome {
  const answer = {
    status: of === "throttle" ? 429 : 400,
    message: "no",
    retryAfterMs: null,
    requestId: null,
    raw: null,
  }
  return { kind: "rejected", class: of, code: "ModelArts.0000", ...answer }
}

function found<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new RangeError(`the scenario has no supernode ${name}`)
  return value
}
