import { randomUUID } from "node:crypto"
import { setTimeout as delay } from "node:timers/promises"
import type { Signal } from "../decision/inputs/signal.ts"
import type { RunMode } from "../decision/situation.ts"
import { huaweiCloud } from "../huawei/client.ts"
import { type EndpointOverrides, endpointsOf } from "../huawei/endpoints.ts"
import { type SmnRequests, smnRequests } from "../huawei/smn.ts"
import { supernodeStream } from "../ledger/next-entry.ts"
import { type AuditedLedger, openLedger } from "../ledger/open.ts"
import { type CloudWatchOptions, cloudwatchReader } from "../metrics/cloudwatch/client.ts"
import { type MetricEvent, metricCollector } from "../metrics/collector.ts"
import { prometheusClient } from "../metrics/prometheus/http.ts"
import type {
  CloudEyeListQuery,
  CloudEyePage,
  CloudEyeQuery,
  CloudEyeSeries,
  CloudPlace,
} from "../metrics/sources.ts"
import { webhookNotifier } from "../notify/webhook.ts"
import { loadPolicyFile, type PolicyFile } from "../policy-file/load.ts"
import type { Clock, Cloud, Ports, Read } from "../ports.ts"
import type { RunTask } from "../run/gather.ts"
import type { RunResult } from "../run/result.ts"
import { run } from "../run/run.ts"
import { readSignals } from "../signals/read.ts"
import { routeSignal } from "../signals/route.ts"
import {
  type HttpRequest,
  httpRequestOf,
  receiveWebhook,
  rememberCertificates,
  type WebhookAnswer,
} from "../signals/webhooks/webhooks.ts"
import { type Credentials, credentialSource } from "./credentials.ts"
import type { Settings } from "./settings.ts"

/** For the line that a door logs. */
export { nearestOf } from "../decision/explain/hints.ts"

export type DoorName = "alarm" | "schedule" | "manual" | "any"

/** What one invocation brings along besides its event. */
export interface Invocation {
  requestId: string
  remainingMs(): number
  /** Temporary keys of this invocation (FunctionGraph); null: from the settings or the secret. */
  credentials: Credentials | null
}

export interface Handled {
  results: RunResult[]
  warnings: string[]
  /** Parts of a many-alarm event that could not be read; the rest was handled. */
  problems: string[]
  /** The event was an HTTP request, and this is its answer. */
  http: { status: number; body: unknown } | null
}

export interface App {
  settings: Settings
  /** Those that the next event is handled by. */
  readonly policies: PolicyFile
  ledger: AuditedLedger
  cloud: Cloud
  /** Cloud Eye as it is asked, for who looks what it knows. */
  cloudEye: CloudEye
  /** Whether there are keys to sign with; whether the cloud takes them only a read can tell. Throws SettingsError. */
  checkKeys(): Promise<void>
  /** One event, from a door to its results. Throws what the door should end with; see RunsFailed. */
  handle(event: unknown, door: DoorName, invocation: Invocation): Promise<Handled>
  /** A webhook's request as far as its signals: who sent it is checked, and nothing is run yet. */
  receive(request: HttpRequest): Promise<WebhookAnswer>
  /** Reads the policy file anew; runs that began keep theirs. Throws PolicyError, and then everything stays as it was. */
  reloadPolicy(): Promise<PolicyFile>
  /** Signals past their door: each run for every supernode that it concerns, or for the one of that name `only`. */
  runSignals(signals: Signal[], invocation: Invocation, mode?: RunMode, only?: string): Promise<Ran>
  close(): Promise<void>
}

export interface CloudEye {
  /** One page of the series that it knows in one project. */
  list(place: CloudPlace, query: CloudEyeListQuery): Promise<Read<CloudEyePage>>
  query(place: CloudPlace, query: CloudEyeQuery): Promise<Read<CloudEyeSeries[]>>
}

export interface Ran {
  results: RunResult[]
  warnings: string[]
}

/** Some runs of an event failed; what the others came to, and what else was to be said, is kept. */
export class RunsFailed extends AggregateError {
  override readonly name = "RunsFailed"
  constructor(
    errors: unknown[],
    readonly results: RunResult[],
    /** The event's warnings, and its parts that could not be read. */
    readonly warnings: string[] = [],
  ) {
    super(errors, errors.map((error) => (error instanceof Error ? error.message : String(error))).join("; "))
  }
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  wait: async (ms) => {
    await delay(ms)
  },
}

/** What tests and the sandbox put in the place of the world's own. */
export interface Replacements {
  clock?: Clock
  /** Certificates to trust instead of the system's; PEM. */
  tls?: { ca: string }
  /** Who fetches SMN's certificates and confirms its subscriptions. */
  smn?: SmnRequests
  /** Where CloudWatch is, and the keys for it. */
  cloudwatch?: Pick<CloudWatchOptions, "endpoint" | "credentials">
  /** How long those who want to ask the meters wait for the other supernodes of an event, milliseconds. */
  meterPatienceMs?: number
}

/** Settings -> an app on live ports. Throws SettingsError, PolicyError, LedgerError: then nothing runs at all. */
export async function startApp(
  settings: Settings,
  {
    clock = systemClock,
    tls,
    smn = smnRequests(tls ? { tls } : {}),
    cloudwatch: place,
    meterPatienceMs: patienceMs,
  }: Replacements = {},
): Promise<App> {
  let policies = await loadPolicyFile(settings.policyPath)
  const ledger = await openLedger(
    settings.ledgerUrl,
    settings.dynamodbCredentials ? { dynamodbCredentials: settings.dynamodbCredentials } : {},
  )
  const keys = credentialSource(settings, { now: clock.now })
  const huawei = huaweiCloud({
    credentials: keys.provide,
    endpoints: overridesOf(settings),
    clock,
    ...(tls ? { tls } : {}),
  })
  const fetchCertificate = rememberCertificates(async (url) => {
    const fetched = await smn.fetchPem(url)
    return fetched.ok ? { ok: true, pem: fetched.value } : fetched
  }, clock.now)
  const prometheus = prometheusClient({ auth: keys.prometheusAuth, ...(tls ? { tls } : {}) })
  const cloudwatch = cloudwatchReader(place)
  const metrics = metricCollector(
    {
      cloudEye: huawei.queryMetrics,
      cloudEyeList: huawei.listMetrics,
      prometheus: prometheus.queryRange,
      cloudwatch: cloudwatch.read,
    },
    { awsRegion: settings.awsRegion, ...(patienceMs === undefined ? {} : { patienceMs }) },
  )
  const cloud: Cloud = {
    readSupernode: huawei.readSupernode,
    readOffers: huawei.readOffers,
    buy: huawei.buy,
    readMetrics: (question) => metrics.event().seat().read(question),
  }

  const runAll = (signals: Signal[], invocation: Invocation, asked: Asked): Promise<Ran> => {
    const timeLeftMs = invocation.remainingMs
    // One event is handled by one file, even where it is read anew meanwhile.
    const file = policies
    const { notifyWebhook: webhook } = file
    const notify = webhook === null ? null : webhookNotifier(webhook, tls ? { tls } : {})
    const ports: Ports = { ledger, cloud, clock, notify, newId: randomUUID, timeLeftMs }
    return keys.during(invocation.credentials, async () => {
      // Without keys nothing can be read: said at once, and not once per supernode.
      await keys.provide()
      return runEach({ ports, metrics: metrics.event(), settings, policies: file, signals, ...asked })
    })
  }

  const receive = (request: HttpRequest): Promise<WebhookAnswer> =>
    receiveWebhook(request, {
      now: clock.now(),
      webhookToken: settings.webhookToken,
      smnTopics: [...policies.smnTopics, ...settings.smnTopics],
      snsTopics: [...policies.snsTopics, ...settings.snsTopics],
      fetchCertificate,
      confirmSubscription: smn.confirmSubscription,
    })

  return {
    settings,
    get policies() {
      return policies
    },
    ledger,
    cloud,
    cloudEye: { list: huawei.listMetrics, query: huawei.queryMetrics },
    async checkKeys() {
      await keys.provide()
    },
    receive,
    async reloadPolicy() {
      policies = await loadPolicyFile(settings.policyPath)
      return policies
    },
    runSignals: (signals, invocation, mode, only) =>
      runAll(signals, invocation, { mode: mode ?? null, only: only ?? null, problems: [] }),
    async handle(event, door, invocation) {
      const request = door === "alarm" || door === "any" ? httpRequestOf(event) : null
      if (!request) {
        const { signals, problems } = readSignals(event, door, { now: clock.now() })
        return {
          ...(await runAll(signals, invocation, { mode: null, only: null, problems })),
          problems,
          http: null,
        }
      }
      const received = await receive(request)
      if (received.kind === "answer")
        return {
          results: [],
          warnings: [],
          problems: [],
          http: { status: received.status, body: received.body },
        }
      const { signals, problems } = received
      const ran = await runAll(signals, invocation, { mode: null, only: null, problems })
      return { ...ran, problems, http: { status: 200, body: { results: ran.results } } }
    },
    async close() {
      await Promise.all([ledger.close(), huawei.close(), prometheus.close(), smn.close()])
    },
  }
}

function overridesOf({ modelartsEndpoint, cesEndpoint }: Settings): EndpointOverrides {
  return { modelarts: modelartsEndpoint ?? undefined, ces: cesEndpoint ?? undefined }
}

interface Asked {
  /** Parts of the event that could not be read: said again where a run fails. */
  problems: string[]
  /** null: as the signal and the settings say. */
  mode: RunMode | null
  /** The name of the one supernode to run; null: all that the signals concern. */
  only: string | null
}

interface Runs extends Asked {
  ports: Ports
  /** The supernodes of one event ask the meters together. */
  metrics: MetricEvent
  settings: Settings
  policies: PolicyFile
  signals: Signal[]
}

/** Supernodes run independently of each other; the signals of one, in their order. */
async function runEach(runs: Runs): Promise<Ran> {
  const { problems, ports, metrics, settings, policies, signals, mode, only } = runs
  const warnings: string[] = []
  const tasks = new Map<string, RunTask[]>()
  for (const signal of signals) {
    const routes = routeSignal(
      signal,
      policies.supernodes.map(({ policy }) => policy),
    )
    if (routes.length === 0 && signal.kind === "alarm")
      warnings.push(`the ${signal.source} alarm ${signal.alarm} is in nobody's \`alarms\` in the policy`)
    for (const { policy, exclusive } of routes) {
      const loaded = policies.supernodes.find((candidate) => candidate.policy === policy)
      if (!loaded || (only !== null && policy.name !== only)) continue
      const task: RunTask = {
        signal,
        exclusive,
        loaded,
        mode: mode ?? modeFor(signal, settings),
        run: ports.newId(),
        stream: supernodeStream(policy.id),
        endpoint: endpointsOf(policy.region, overridesOf(settings)).modelarts,
        buyTimeoutMs: settings.buyTimeoutMs,
        sendWithinMs: settings.sendWithinMs,
        fleetStreams: policies.supernodes.map((one) => supernodeStream(one.policy.id)),
      }
      tasks.set(policy.id, [...(tasks.get(policy.id) ?? []), task])
    }
  }
  // All sit down before the first one runs, so that nobody asks the meters without those who want the same.
  const seated = [...tasks.values()].map((queue) => ({ queue, seat: metrics.seat() }))
  const ended = await Promise.all(
    seated.map(({ queue, seat }) => {
      const cloud = { ...ports.cloud, readMetrics: seat.read }
      return runInOrder({ ...ports, cloud }, queue, seat.leave)
    }),
  )
  const results = ended.flatMap((one) => one.results)
  const errors = ended.flatMap((one) => one.errors)
  if (errors.length > 0) throw new RunsFailed(errors, results, [...warnings, ...problems])
  return { results, warnings }
}

async function runInOrder(
  ports: Ports,
  queue: RunTask[],
  leaveMeters: () => void,
): Promise<{ results: RunResult[]; errors: unknown[] }> {
  const results: RunResult[] = []
  const errors: unknown[] = []
  for (const task of queue) {
    try {
      results.push(await run(ports, task))
    } catch (error) {
      errors.push(error)
    } finally {
      leaveMeters()
    }
  }
  return { results, errors }
}

/** Observe beats whatever an event asks for; a person's request is a dry run unless it says otherwise. */
function modeFor(signal: Signal, settings: Settings): RunMode {
  return signal.kind === "request" && signal.mode === "dry-run" ? "dry-run" : settings.mode
}
