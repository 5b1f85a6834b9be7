import { randomUUID } from "node:crypto"
import { setTimeout as delay } from "node:timers/promises"
import type { Signal } from "../decision/inputs/signal.ts"
import { huaweiCloud } from "../huawei/client.ts"
import { type SmnRequests, smnRequests } from "../huawei/smn.ts"
import { openLedger } from "../ledger/open.ts"
import { type CloudWatchOptions, cloudwatchReader } from "../metrics/cloudwatch/client.ts"
import { metricCollector } from "../metrics/collector.ts"
import { prometheusClient } from "../metrics/prometheus/http.ts"
import { webhookNotifier } from "../notify/webhook.ts"
import { loadPolicyFile } from "../policy-file/load.ts"
import type { Clock, Cloud, Ports } from "../ports.ts"
import { readSignals } from "../signals/read.ts"
import {
  type HttpRequest,
  httpRequestOf,
  receiveWebhook,
  rememberCertificates,
  type WebhookAnswer,
} from "../signals/webhooks/webhooks.ts"
import type { App, Invocation, Ran } from "./app.ts"
import { credentialSource } from "./credentials.ts"
import { type Asked, overridesOf, runEach } from "./dispatch.ts"
import type { Settings } from "./settings.ts"

/** For the line that a door logs. */
export { nearestOf } from "../decision/explain/hints.ts"

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
