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

// Facts for operators, collected once per run at its ports, so that the run itself stays silent. Metrics of every door,
// readiness and the warning about a blind run are made of these facts and of nothing else.

/** One run of a supernode as its ports saw it. Instants are epoch milliseconds. A dry run has no facts. */
export interface RunFacts {
  loaded: LoadedPolicy
  /** The supernode's stream, and those of all supernodes of the policy file. */
  stream: string
  fleetStreams: readonly string[]
  signal: { kind: RunTask["signal"]["kind"]; at: number | null }
  mode: RunMode
  /** The end of the run. */
  at: number
  /** null: the run failed. */
  decision: Pick<Decision, "kind" | "heldBy"> | null
  /** Endings of orders, by the entries that this run wrote; `unknown` also where it found that an earlier run recorded no outcome. */
  purchases: Outcome["kind"][]
  /** The sources that the run asked, by name. */
  sources: Record<string, SourceRead>
  /** Duration of each read of a newest entry and of each append, milliseconds. */
  ledgerMs: number[]
  notifications: { to: string; result: "sent" | "failed" }[]
  /** The state before the run and at its end; null where the ledger could not be read. */
  before: SupernodeState | null
  state: SupernodeState | null
}

/** Answer of one source to a run. */
export interface SourceRead {
  /** When it last gave data in this run; null: it gave none. */
  readAt: number | null
  /** Why the newest read gave none; null: it did. */
  problem: string | null
  /** It refused our keys: 401 or 403. */
  isRefused: boolean
}

/** Ports that remember what passes through them, and the facts at the end of the run. */
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
    async readMetrics(question) {
      const readings = await cloud.readMetrics(question)
      const { policy } = question
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
    async tell(notice, timeoutMs) {
      const delivery = await notifier.tell(notice, timeoutMs)
      for (const to of delivery.taken ?? []) notifications.push({ to, result: "sent" })
      for (const to of delivery.ok ? [] : (delivery.failed ?? []))
        notifications.push({ to, result: "failed" })
      return delivery
    },
  }
  return { notifier: watched, notifications }
}
