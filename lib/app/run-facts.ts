import type { Decision } from "../decision/decision.ts"
import { sourceLook } from "../decision/explain/source-look.ts"
import { NOT_FETCHED } from "../decision/inputs/fetched.ts"
import type { LoadedPolicy } from "../decision/policy/loaded-policy.ts"
import type { RunMode } from "../decision/situation.ts"
import type { Outcome } from "../decision/state/outcome.ts"
import type { SupernodeState } from "../decision/state/state.ts"
import { stateOf } from "../ledger/next-entry.ts"
import type { Clock, Cloud, Ledger, Notifier, Ports } from "../ports.ts"
import type { RunResult } from "../run/result.ts"
import type { RunTask } from "../run/task.ts"

// Facts about one run for operators, collected at its ports, so the run itself logs nothing. The metrics of
// every door, readiness and the warning about a blind run are computed from these facts only.

/** Facts of one run of a supernode. Instants are epoch milliseconds. A dry run has no facts. */
export interface RunFacts {
  loaded: LoadedPolicy
  /** Stream of the supernode; `fleetStreams` are those of all supernodes of the policy file. */
  stream: string
  fleetStreams: readonly string[]
  signal: { kind: RunTask["signal"]["kind"]; at: number | null }
  mode: RunMode
  /** Time at which the run ended. */
  at: number
  /** `null` if the run failed. */
  decision: Pick<Decision, "kind" | "heldBy"> | null
  /**
   * Outcomes of orders that this run recorded in the ledger. Includes `unknown` if the run found that an
   * earlier run had recorded no outcome.
   */
  purchases: Outcome["kind"][]
  /** Result for each source that the run queried, by the source's name. */
  sources: Record<string, SourceRead>
  /** Duration of each read of a head and of each append, milliseconds. */
  ledgerMs: number[]
  notifications: { to: string; result: "sent" | "failed" }[]
  /** State before the run; `state` is the one at its end. Both are `null` if the ledger could not be read. */
  before: SupernodeState | null
  state: SupernodeState | null
}

/** Result of one run's reads from one source. */
export interface SourceRead {
  /** Last time that the source returned data in this run; `null` if it returned none. */
  readAt: number | null
  /** Reason why the newest read returned no data; `null` if it returned data. */
  problem: string | null
  /** True if the source rejected our keys (401 or 403). */
  isRefused: boolean
}

/** Ports that record the calls of a run, and the facts that follow from them at its end. */
export interface WatchedRun {
  ports: Ports
  facts(result: RunResult | null): RunFacts
}

export function watchRun(ports: Ports, task: RunTask): WatchedRun {
  const { signal, loaded, stream, fleetStreams, mode } = task
  const ledger = watchLedger(ports, stream)
  const cloud = watchCloud(ports)
  const notify = ports.notify && watchNotifier(ports.notify)
  return {
    ports: { ...ports, ledger: ledger.ledger, cloud: cloud.cloud, notify: notify?.notifier ?? null },
    facts: (result) => ({
      loaded,
      stream,
      fleetStreams,
      signal: { kind: signal.kind, at: signal.kind === "tick" ? signal.at : null },
      mode: result?.mode ?? mode,
      at: ports.clock.now(),
      decision: result && { kind: result.decision.kind, heldBy: result.decision.heldBy },
      sources: cloud.sources,
      notifications: notify?.notifications ?? [],
      ...ledger.seen,
    }),
  }
}

type LedgerFacts = Pick<RunFacts, "purchases" | "ledgerMs" | "before" | "state">

function watchLedger({ ledger, clock }: Ports, own: string): { ledger: Ledger; seen: LedgerFacts } {
  const seen: LedgerFacts = { purchases: [], ledgerMs: [], before: null, state: null }
  const timed = async <T>(work: () => Promise<T>): Promise<T> => {
    const startedAt = clock.monotonic()
    try {
      return await work()
    } finally {
      seen.ledgerMs.push(clock.monotonic() - startedAt)
    }
  }
  return {
    seen,
    ledger: {
      async head(stream) {
        const head = await timed(() => ledger.head(stream))
        if (stream !== own) return head
        seen.state = stateOf(head)
        seen.before ??= seen.state
        return head
      },
      async append(entry) {
        const answer = await timed(() => ledger.append(entry))
        if (answer === "conflict" || entry.stream !== own) return answer
        seen.state = stateOf(entry)
        if (entry.kind === "settled" && entry.outcome) seen.purchases.push(entry.outcome.kind)
        if (entry.observation?.kind === "unknown") seen.purchases.push("unknown")
        return answer
      },
      read: (stream, range) => ledger.read(stream, range),
      streams: () => ledger.streams(),
      close: () => ledger.close(),
    },
  }
}

function watchCloud({ cloud, clock }: { cloud: Cloud; clock: Clock }) {
  const sources: RunFacts["sources"] = {}
  const keep = (source: string, problem: string | null, isRefused: boolean): void => {
    const readAt = problem === null ? clock.now() : (sources[source]?.readAt ?? null)
    sources[source] = { readAt, problem, isRefused: problem !== null && isRefused }
  }
  const watched: Cloud = {
    ...cloud,
    async readSupernode(policy) {
      const read = await cloud.readSupernode(policy)
      if (read.ok) keep("supernode", null, false)
      else keep("supernode", read.why, read.credentials)
      return read
    },
    async readMetrics(query) {
      const readings = await cloud.readMetrics(query)
      const { policy } = query
      const isRefused = readings.some(({ credentials }) => credentials === true)
      const look = sourceLook({
        supernode: NOT_FETCHED,
        readings: { state: "read", value: readings },
        policy,
      })
      for (const [source, problem] of Object.entries(look)) keep(source, problem, isRefused)
      return readings
    },
  }
  return { cloud: watched, sources }
}

function watchNotifier(notifier: Notifier) {
  const notifications: RunFacts["notifications"] = []
  const watched: Notifier = {
    wants: (topic) => notifier.wants(topic),
    async send(notification, timeoutMs) {
      const delivery = await notifier.send(notification, timeoutMs)
      for (const to of delivery.taken ?? []) notifications.push({ to, result: "sent" })
      for (const to of delivery.ok ? [] : (delivery.failed ?? []))
        notifications.push({ to, result: "failed" })
      return delivery
    },
  }
  return { notifier: watched, notifications }
}
