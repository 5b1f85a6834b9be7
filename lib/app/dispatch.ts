import { randomUUID } from "node:crypto"
import type { PolicyFileState } from "../decision/explain/notifications.ts"
import type { Signal } from "../decision/inputs/signal.ts"
import { counted } from "../decision/policy/amounts.ts"
import type { NotifyRecipient } from "../decision/policy/notify.ts"
import type { RunMode } from "../decision/situation.ts"
import { endpointsOf } from "../huawei/endpoints.ts"
import { supernodeStream } from "../ledger/next-entry.ts"
import type { MetricEvent } from "../metrics/collector.ts"
import type { PolicyFile } from "../policy-file/load.ts"
import type { Clock, Cloud, Ledger, Notifier, Ports } from "../ports.ts"
import type { RunResult } from "../run/result.ts"
import type { RunTask } from "../run/task.ts"
import type { Route, SignalRouter } from "../signals/route.ts"
import { type Invocation, RunsFailed, type RunsResult } from "./app.ts"
import { BlindRuns } from "./blind-runs.ts"
import type { CredentialSource } from "./credentials.ts"
import { fleetOf } from "./fleet.ts"
import { fleetTurns } from "./fleet-turns.ts"
import { overridesOf } from "./overrides.ts"
import type { PolicySource } from "./policies.ts"
import { type Queue, runTick, runTogether } from "./run-queues.ts"
import type { Settings } from "./settings.ts"

export interface RunScope {
  /** Problems of the event's unreadable parts. RunsFailed repeats them. */
  problems: string[]
  /** Mode of the runs; `null` takes it from the signal and the settings. */
  mode: RunMode | null
  /** Name of the only supernode to run; `null` runs all that the signals concern. */
  only: string | null
}

export type RunSignals = (signals: Signal[], invocation: Invocation, scope: RunScope) => Promise<RunsResult>

interface Wiring {
  settings: Settings
  policies: PolicySource
  ledger: Ledger
  cloud: Cloud
  metrics: { event(): MetricEvent }
  keys: CredentialSource
  clock: Clock
  /** Returns `null` if the policy file names no recipient. */
  notifierOf(recipients: readonly NotifyRecipient[]): Notifier | null
}

/** Runs signals with the ports of their invocation: its keys, its time left and the current policy file. */
export function signalRunner(wiring: Wiring): RunSignals {
  const { settings, policies, ledger, cloud, metrics, keys, clock, notifierOf } = wiring
  const blindRuns = new BlindRuns()
  const inFleetTurn = fleetTurns()
  const lastRuns: NonNullable<Ports["lastRuns"]> = new Map()
  let alarmsRunning = 0
  return (signals, invocation, scope) => {
    const timeLeftMs = invocation.remainingMs
    // One event uses one policy file, even if the file is reloaded meanwhile.
    const file = policies.current()
    const notify = notifierOf(file.notify)
    const ports: Ports = {
      ledger,
      cloud,
      clock,
      notify,
      newId: randomUUID,
      inFleetTurn,
      lastRuns,
      timeLeftMs,
    }
    return keys.during(invocation.credentials, async () => {
      // Without keys nothing can be read. Throws here once, instead of once per supernode.
      await keys.provide()
      const policyFile = { refused: policies.refused() }
      const isAlarm = signals[0]?.kind !== "tick"
      if (isAlarm) alarmsRunning += 1
      return runEach({
        ports,
        blindRuns,
        areAlarmsRunning: () => alarmsRunning > 0,
        metricEvent: metrics.event,
        settings,
        policies: file,
        policyFile,
        fileWarnings: policies.takeWarnings(),
        signals,
        ...(invocation.takeResult ? { takeResult: invocation.takeResult } : {}),
        ...scope,
      }).finally(() => {
        if (isAlarm) alarmsRunning -= 1
      })
    })
  }
}

interface EventRuns extends RunScope {
  ports: Ports
  blindRuns: BlindRuns
  metricEvent(): MetricEvent
  settings: Settings
  policies: PolicyFile
  policyFile: PolicyFileState
  /** Warnings about the policy file. They precede the warnings of the runs. */
  fileWarnings: string[]
  signals: Signal[]
  areAlarmsRunning: () => boolean
  takeResult?: (result: RunResult) => void
}

/** Supernodes run independently of each other. The signals of one supernode run in their order. */
async function runEach(runs: EventRuns): Promise<RunsResult> {
  const { problems, ports, settings, policies, policyFile, signals, mode, only } = runs
  const { router, loadedBy, streams } = fleetOf(policies)
  const { routed, warnings: ofSignals } = routedSignals(signals, router)
  const warnings = [...runs.fileWarnings, ...ofSignals]
  const queues = new Map<string, Queue>()
  for (const { signal, routes } of routed) {
    for (const { policy, exclusive } of routes) {
      const loaded = loadedBy.get(policy)
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
        fleetStreams: streams,
        ...(loaded === policies.supernodes[0] ? { policyFile } : {}),
      }
      const before = queues.get(policy.id)
      queues.set(policy.id, { tasks: before ? [...before.tasks, task] : [task] })
    }
  }
  const { metricEvent, areAlarmsRunning, takeResult } = runs
  const context = { ports, metricEvent, areAlarmsRunning }
  const all = [...queues.values()]
  const [first] = signals
  const ended =
    first?.kind === "tick"
      ? await runTick({ ...context, ...(takeResult ? { takeResult } : {}) }, all, first.at)
      : await runTogether(context, all)
  const { results, errors, facts } = ended
  warnings.push(...ended.warnings, ...facts.flatMap((one) => runs.blindRuns.warning(one) ?? []))
  if (errors.length > 0) throw new RunsFailed(errors, results, [...warnings, ...problems], facts)
  return { results, warnings, facts }
}

/** Maximum number of alarms of one event that start runs. Each run evaluates all metrics, so further alarms add nothing. */
const MAX_ALARMS = 1_000
/** Maximum number of unlisted alarms that get a warning of their own. */
const MAX_NAMED = 20

interface Routed {
  routed: { signal: Signal; routes: Route[] }[]
  warnings: string[]
}

/** Signals that concern a supernode, with their routes. Warns of alarms that no supernode lists. */
function routedSignals(signals: readonly Signal[], router: SignalRouter): Routed {
  const all = signals.map((signal) => ({ signal, routes: router.route(signal) }))
  const routed = all.filter(({ routes }) => routes.length > 0)
  const unlistedAlarms = all.flatMap(({ signal, routes }) =>
    routes.length === 0 && signal.kind === "alarm" ? [`${signal.source} alarm ${signal.alarm}`] : [],
  )
  const warnings = sayUnlisted([...new Set(unlistedAlarms)])
  if (routed.length > MAX_ALARMS) {
    warnings.push(
      `${routed.length} alarms of one event concern this policy; the first ${MAX_ALARMS} were handled. Lower max_alerts in the sender's webhook_configs, or group alerts by supernode (group_by)`,
    )
  }
  return { routed: routed.slice(0, MAX_ALARMS), warnings }
}

function sayUnlisted(alarms: readonly string[]): string[] {
  const named = alarms
    .slice(0, MAX_NAMED)
    .map(
      (alarm) =>
        `no supernode lists the ${alarm} under \`alarms\`, so it started no run; list it in the policy, or stop sending it here`,
    )
  const more = alarms.length - named.length
  return more > 0 ? [...named, `${counted(more, "more alarm")} started no run for the same reason`] : named
}

/** Mode of the settings: an event cannot override observe. A dry-run request is always a dry run. */
function modeFor(signal: Signal, settings: Settings): RunMode {
  return signal.kind === "request" && signal.mode === "dry-run" ? "dry-run" : settings.mode
}
