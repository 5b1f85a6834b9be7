import { randomUUID } from "node:crypto"
import { LedgerHistory } from "../../functions/cli/report/from-ledger.ts"
import { SimulationRecording } from "../../functions/cli/report/from-simulation.ts"
import type { LoadedPolicy } from "../../lib/decision/policy/loaded-policy.ts"
import type { OperatorCommand } from "../../lib/decision/state/control.ts"
import { commandAll } from "../../lib/ledger/commands.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import { openLedger } from "../../lib/ledger/open.ts"
import { loadPolicyFile } from "../../lib/policy-file/load.ts"
import { historyOf } from "../../lib/simulate/load-file.ts"
import { LoadSeries } from "../../lib/simulate/load-series.ts"
import type { FailureWindow } from "../../lib/simulate/model-cloud.ts"
import { type Simulation, simulate } from "../../lib/simulate/replay.ts"
import { POLICY } from "../cli/harness.ts"
import { clockAt } from "../world/clock.ts"

export const FROM = Date.parse("2026-03-02T10:00:00Z")
export const MINUTE = 60_000

export interface Played {
  recording: SimulationRecording
  simulation: Simulation
  entries: LedgerEntry[]
}

export async function policyOf(text = `timezone: Asia/Shanghai\n${POLICY}`): Promise<LoadedPolicy> {
  const [loaded] = (await loadPolicyFile("policy.yaml", null, Buffer.from(text))).supernodes
  if (!loaded) throw new Error("the policy has no supernode")
  return loaded
}

/** A simulation of these values by the minute, and the entries of its chain. */
export async function played(
  values: Iterable<number>,
  { failures = [] }: { failures?: FailureWindow[] } = {},
): Promise<Played> {
  const loaded = await policyOf()
  const series = new LoadSeries()
  for (const value of values) series.add(FROM + series.length * MINUTE, value)
  const recording = new SimulationRecording("policy.yaml", loaded)
  const entries: LedgerEntry[] = []
  const record = {
    load: recording.load,
    entry: (entry: LedgerEntry) => {
      entries.push(entry)
      recording.entry(entry)
    },
  }
  const history = historyOf(new Map([[null, series]]))
  const options = {
    loaded,
    history,
    servers: 1,
    provisioningMs: 10 * MINUTE,
    soldOut: [],
    failures,
    elastic: null,
  }
  return { recording, simulation: await simulate({ ...options, record }), entries }
}

/** Values by the minute: 50 for `minutes`, then 97, `all` in total. */
export function busyAfter(minutes: number, all: number): number[] {
  return Array.from({ length: all }, (_, i) => (i < minutes ? 50 : 97))
}

/** The same chain as a ledger's history, with an operator's command at `at`. */
export async function ledgerOf(
  entries: readonly LedgerEntry[],
  said: OperatorCommand,
  at: number,
): Promise<LedgerHistory> {
  const history = new LedgerHistory()
  const id = (entries[0]?.stream ?? "").slice("supernode:".length)
  const supernode = history.know({ id, name: "train-a" })
  for (const entry of entries) supernode.add(entry)
  const ledger = await openLedger("memory:")
  history.addControl(await commandAll({ ledger, clock: clockAt(at), newId: randomUUID }, said))
  await ledger.close()
  return history
}
