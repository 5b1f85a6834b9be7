import type { Counter, Histogram, Registry } from "prom-client"
import type { App } from "../app/app.ts"
import type { RunFacts } from "../app/run-facts.ts"
import {
  countsOf,
  gaugesOf,
  METRICS,
  type MetricName,
  purchasesOfAll,
  type Sample,
  sample,
  startsAtZero,
} from "../app/run-metrics.ts"
import { METRIC_SOURCES } from "../decision/policy/choices.ts"
import type { Policy } from "../decision/policy/policy.ts"
import { recipientLabel } from "../decision/policy/recipient-label.ts"
import type { SupernodeState } from "../decision/state/state.ts"
import type { Clock } from "../ports.ts"

/** Bounds of the histogram's buckets in seconds, from a fast local file to a store that is nearly failing. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export interface ExpositionParts {
  app: Pick<App, "policies">
  clock: Pick<Clock, "now">
  /** `i/n`: the share of the supernodes that ticks cover. Defaults to all. */
  shard?: string
}

/** Facts of the newest runs of one supernode. */
interface Known {
  /** The supernode's id, since another supernode may have its name after a reload. */
  id: string
  state: SupernodeState | null
  lastReads: Record<string, number | null>
}

type PromClient = Pick<typeof import("prom-client"), "Counter" | "Gauge" | "Histogram" | "Registry">

/** Metrics of this process in Prometheus' text format. Labels contain names of the current policy only. */
export class Exposition {
  readonly #parts: ExpositionParts
  readonly #client: PromClient
  /** Counters and histograms; gauges are created anew for each answer. */
  readonly #registry: Registry
  readonly #counters = new Map<MetricName, Counter>()
  readonly #histograms = new Map<MetricName, Histogram>()
  readonly #known = new Map<string, Known>()
  #lastTickAt: number | null = null

  private constructor(client: PromClient, parts: ExpositionParts) {
    this.#parts = parts
    this.#client = client
    this.#registry = new client.Registry()
    for (const name of METRIC_NAMES) {
      const { kind } = METRICS[name]
      const options = { ...optionsOf(name), registers: [this.#registry] }
      if (kind === "counter") this.#counters.set(name, new client.Counter(options))
      if (kind === "histogram")
        this.#histograms.set(name, new client.Histogram({ ...options, buckets: BUCKETS }))
    }
  }

  /** Loads the library for the text format, which only `serve` needs. */
  static async open(parts: ExpositionParts): Promise<Exposition> {
    // In a bundle, a CommonJS package has only the default export.
    const { default: client } = await import("prom-client")
    return new Exposition(client, parts)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** Adds the facts of one run to the metrics. */
  record(facts: RunFacts): void {
    const { name, id } = facts.loaded.policy
    const before = this.#knownOf({ name, id })
    const reads = Object.entries(facts.sources).map(
      ([source, { readAt }]) => [source, readAt ?? before?.lastReads[source] ?? null] as const,
    )
    this.#known.set(name, {
      id,
      state: facts.state ?? before?.state ?? null,
      lastReads: { ...before?.lastReads, ...Object.fromEntries(reads) },
    })
    this.#add(countsOf(facts))
  }

  #add(samples: readonly Sample[]): void {
    for (const { name, labels, value } of samples) {
      this.#counters.get(name)?.inc(labels, value)
      this.#histograms.get(name)?.observe(labels, value)
    }
  }

  /** Records that the tick scheduled for `at` ended without an error. */
  ticked(at: number): void {
    this.#lastTickAt = at
  }

  /** All metrics as text. `isPolicyRefused`: the newest reload of the policy file was refused. */
  async text(isPolicyRefused: boolean): Promise<string> {
    await this.#followPolicy()
    const gauges = new this.#client.Registry()
    const samples = this.#gauges(isPolicyRefused)
    for (const name of new Set(samples.map((one) => one.name))) {
      const gauge = new this.#client.Gauge({ ...optionsOf(name), registers: [gauges] })
      for (const one of samples) if (one.name === name) gauge.set(one.labels, one.value)
    }
    return `${await this.#registry.metrics()}${await gauges.metrics()}`
  }

  #gauges(isPolicyRefused: boolean): Sample[] {
    const { app, clock } = this.#parts
    const now = clock.now()
    const { supernodes } = app.policies
    const states = supernodes.map(({ policy }) => this.#knownOf(policy)?.state ?? null)
    const fleet = purchasesOfAll(states)
    return [
      ...supernodes.flatMap(({ policy, hash }) => {
        const { state = null, lastReads = {} } = this.#knownOf(policy) ?? {}
        return gaugesOf({ policy, policyHash: hash, state, fleet, lastReads, now })
      }),
      sample("supernode_autoscaler_policy_reload_success", {}, isPolicyRefused ? 0 : 1),
      ...this.#tickGauges(),
    ]
  }

  /** A stopped shard reports nothing. Each shard reports how many there are, so a missing one is noticed. */
  #tickGauges(): Sample[] {
    const { shard } = this.#parts
    const tick = this.#lastTickAt
    const labels = shard === undefined ? {} : { shard }
    return [
      sample("supernode_autoscaler_tick_shards", {}, Number(shard?.split("/")[1] ?? 1)),
      ...(tick === null
        ? []
        : [sample("supernode_autoscaler_last_tick_timestamp_seconds", labels, tick / 1000)]),
    ]
  }

  #knownOf({ name, id }: Pick<Policy, "name" | "id">): Known | undefined {
    const known = this.#known.get(name)
    return known?.id === id ? known : undefined
  }

  /** Keeps only metrics of the supernodes, sources and recipients in the policy; new ones start at 0. */
  async #followPolicy(): Promise<void> {
    const { supernodes, notify } = this.#parts.app.policies
    const policies = new Map(supernodes.map(({ policy }) => [policy.name, policy]))
    const recipients = new Set(notify.map(recipientLabel))
    for (const [name, { lastReads }] of this.#known) {
      const policy = policies.get(name)
      if (!policy) this.#known.delete(name)
      else for (const source of Object.keys(lastReads)) if (!isAsked(policy, source)) delete lastReads[source]
    }
    for (const counter of this.#counters.values()) {
      for (const { labels } of (await counter.get()).values) {
        const { supernode, to } = labels
        const isKnown = supernode === undefined ? recipients.has(String(to)) : policies.has(String(supernode))
        if (!isKnown) counter.remove(labels)
      }
    }
    this.#add(startsAtZero([...policies.keys()], [...recipients]))
  }
}

const METRIC_NAMES = Object.keys(METRICS) as MetricName[]

function optionsOf(name: MetricName) {
  const { help, labels } = METRICS[name]
  return { name, help, labelNames: [...labels] }
}

function isAsked({ rules }: Policy, source: string): boolean {
  return (
    source === "supernode" ||
    METRIC_SOURCES.some((one) => one === source && rules.some(({ metric }) => metric[one] !== undefined))
  )
}
