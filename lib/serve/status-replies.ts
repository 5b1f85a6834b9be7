import type { App } from "../app/app.ts"
import type { CloudHealth } from "./cloud-health.ts"
import type { LedgerHealth } from "./health.ts"
import type { Reply } from "./listener.ts"
import type { Runs } from "./runs.ts"

/** State of the process, from which the replies of `serve` about itself are made. */
export interface ServeStatus {
  app: App
  version: string
  ledger: LedgerHealth
  cloud: CloudHealth
  runs: Runs
  /** Time of the next tick, epoch milliseconds; `null` if there is none. */
  nextTick: number | null
  isStopping: boolean
  /** The newest reload of the policy file was refused. */
  isPolicyRefused: boolean
}

/**
 * `GET /readyz`: 200 if runs can do their work; otherwise 503 and the problems that an operator must correct.
 */
export async function readinessReply(status: ServeStatus): Promise<Reply> {
  const reasons = status.isStopping ? ["stopping"] : await reasonsOf(status)
  const isReady = reasons.length === 0
  const body = { status: isReady ? "ready" : "not-ready", reasons }
  return isReady ? { status: 200, body } : { status: 503, body, headers: { "retry-after": "30" } }
}

async function reasonsOf({ ledger, cloud, isPolicyRefused }: ServeStatus): Promise<string[]> {
  const refused =
    "policy-refused: the new policy file is not valid, and the previous one still applies (see the log)"
  return [...(await ledger.reasons()), ...cloud.reasons(), ...(isPolicyRefused ? [refused] : [])]
}

/** `GET /healthz`: the state of the process. It needs no token, so it names no supernode. */
export async function healthReply(serve: ServeStatus): Promise<Reply> {
  const { app, version, runs, nextTick, isStopping } = serve
  const ledgerIsReadable = await serve.ledger.isReadable()
  const status = isStopping ? "stopping" : ledgerIsReadable ? "ok" : "ledger-unreadable"
  const body = {
    status,
    version,
    mode: app.settings.mode,
    supernodes: app.policies.supernodes.length,
    ledger: ledgerIsReadable ? "ok" : "unreadable",
    lastTick: sayTick(runs.lastTick),
    nextTick: sayTime(nextTick),
    running: runs.running,
    waiting: runs.waiting,
  }
  return { status: status === "ok" ? 200 : 503, body }
}

function sayTick(tick: { at: number; isOk: boolean } | null): { at: string | null; ok: boolean } | null {
  return tick && { at: sayTime(tick.at), ok: tick.isOk }
}

function sayTime(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString()
}
