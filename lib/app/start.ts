import type { NotifyRecipient } from "../decision/policy/notify.ts"
import { huaweiCloud } from "../huawei/client.ts"
import { sign } from "../huawei/signature.ts"
import { type SmnRequests, smnRequests } from "../huawei/smn.ts"
import { type CloudWatchOptions, cloudwatchReader } from "../metrics/cloudwatch/client.ts"
import { metricCollector } from "../metrics/collector.ts"
import { prometheusClient } from "../metrics/prometheus/http.ts"
import { notifierFor, recipientsOf, sendTest } from "../notify/recipients.ts"
import type { SnsOptions } from "../notify/sns.ts"
import type { After, Clock, Cloud } from "../ports.ts"
import type { App } from "./app.ts"
import { credentialSource, malformedKeys } from "./credentials.ts"
import { signalRunner } from "./dispatch.ts"
import { systemAfter } from "./fleet-turns.ts"
import { eventHandler } from "./handle.ts"
import { overridesOf } from "./overrides.ts"
import { openPolicyAndLedger } from "./policy-and-ledger.ts"
import { webhookReceiver } from "./receive.ts"
import type { Settings } from "./settings.ts"
import { systemClock } from "./system-clock.ts"

/** Re-exported for the lines that doors log. */
export { hintOf } from "../decision/explain/hints.ts"
export { saysUnusable } from "../decision/gates/ledger.ts"

export { systemClock } from "./system-clock.ts"

/** Parts that tests and the sandbox replace. */
export interface Replacements {
  clock?: Clock
  /** Certificates to trust instead of the system's; PEM. */
  tls?: { ca: string }
  /** Fetches SMN's certificates and confirms its subscriptions. */
  smn?: SmnRequests
  /** Endpoint and keys of CloudWatch. */
  cloudwatch?: Pick<CloudWatchOptions, "endpoint" | "credentials">
  /** Endpoint and keys of SNS. */
  sns?: Pick<SnsOptions, "endpoint" | "credentials">
  /** Timer that limits how long supernodes of one event wait for each other to query metrics together. */
  after?: After
}

/** Creates the app with live ports. Throws SettingsError, PolicyError or LedgerError; then nothing runs. */
export async function startApp(settings: Settings, replacements: Replacements = {}): Promise<App> {
  const { clock = systemClock, after = systemAfter, tls, cloudwatch: place } = replacements
  const trust = tls ? { tls } : {}
  const { awsRegion, proxy } = settings
  const { smn = smnRequests({ proxy, ...trust }), sns } = replacements

  const keys = credentialSource(settings, { now: clock.now })
  const { policies, ledger } = await openPolicyAndLedger(settings, { now: clock.now, keys })
  const endpoints = overridesOf(settings)
  const huawei = huaweiCloud({ credentials: keys.provide, endpoints, clock, proxy, ...trust })
  const prometheus = prometheusClient({ auth: keys.prometheusAuth, proxy, ...trust })
  const cloudwatch = cloudwatchReader({ ...place, proxy })
  const metrics = metricCollector(
    {
      cloudEye: huawei.queryMetrics,
      cloudEyeList: huawei.listMetrics,
      prometheus: prometheus.queryRange,
      cloudwatch: cloudwatch.read,
    },
    { awsRegion, after, monotonic: () => clock.monotonic() },
  )
  const cloud: Cloud = {
    readSupernode: huawei.readSupernode,
    readOffers: huawei.readOffers,
    readOrder: huawei.readOrder,
    readTraces: huawei.readTraces,
    buy: huawei.buy,
    readMetrics: (query) => metrics.event().join().read(query),
  }
  const recipients = (written: readonly NotifyRecipient[]) =>
    recipientsOf(written, {
      sign: async (request) => sign({ ...request, credentials: await keys.provide(), now: clock.now() }),
      smnEndpoint: settings.smnEndpoint,
      now: clock.now,
      ...(sns ? { sns } : {}),
      network: { proxy, ...trust },
    })
  const notifierOf = (written: readonly NotifyRecipient[]) => notifierFor(recipients(written))
  const runAll = signalRunner({ settings, policies, ledger, cloud, metrics, keys, clock, notifierOf })
  const receive = webhookReceiver({ settings, policies, smn, clock })

  return {
    settings,
    get policies() {
      return policies.current()
    },
    ledger,
    cloud,
    cloudEye: { list: huawei.listMetrics, query: huawei.queryMetrics },
    async checkKeys() {
      return malformedKeys(await keys.provide())
    },
    receive,
    reloadPolicy: policies.reload,
    notifyTest: (timeoutMs) => sendTest(recipients(policies.current().notify), { now: clock.now, timeoutMs }),
    runSignals: (signals, invocation, mode, only) =>
      runAll(signals, invocation, { mode: mode ?? null, only: only ?? null, problems: [] }),
    handle: eventHandler({ clock, policies, receive, runAll }),
    async close() {
      await Promise.all([ledger.close(), huawei.close(), prometheus.close(), smn.close()])
    },
  }
}
