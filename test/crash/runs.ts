import type { Signal } from "../../lib/decision/inputs/signal.ts"
import type { OperatorCommand } from "../../lib/decision/state/control.ts"
import type { SupernodeState } from "../../lib/decision/state/state.ts"
import { commandAll } from "../../lib/ledger/commands.ts"
import { CONTROL_STREAM, controlOf, stateOf } from "../../lib/ledger/next-entry.ts"
import type { Ports } from "../../lib/ports.ts"
import type { RunResult } from "../../lib/run/result.ts"
import { run } from "../../lib/run/run.ts"
import { alarmOf, MINUTE, requestOf, tickOf } from "../decision/builders.ts"
import { reset, settleUnknown, WHO } from "../world/operator.ts"
import { taskOf } from "../world/task.ts"
import type { Environment } from "./environment.ts"
import { Worker } from "./worker.ts"

// Actions of machines and people, each by the ports of one worker.

export function runSignal(
  environment: Environment,
  ports: Ports,
  signal: Signal,
  { policy, loaded, stream } = environment.supernodes[0],
): Promise<RunResult> {
  const fleetStreams = environment.supernodes.map((supernode) => supernode.stream)
  return run(ports, taskOf({ signal, policy, run: environment.newId() }, { loaded, fleetStreams, stream }))
}

export function newTick(environment: Environment): Signal {
  return tickOf({ id: environment.newId(), at: environment.now })
}

/** Each alarm is a new one of another server: only the state shows that it is about the same load. */
export function newAlarm(environment: Environment): Signal {
  const id = environment.newId()
  return alarmOf({
    id,
    at: environment.now,
    resource: { instance_id: id },
    episode: { key: id, startsAt: null },
  })
}

/**
 * A person makes a dry run, and then requests that plan with the cooldown bypassed. The plan has more servers
 * than are present or in flight, so only an attempt in flight can block it.
 */
export async function newRequest(environment: Environment): Promise<Signal> {
  const counted = Math.max(environment.supernodes[0].count, standingAt(environment).attempt?.to ?? 0)
  const servers = environment.policy.ladder.find((rung) => rung.servers > counted)?.servers ?? null
  const asked = requestOf({ id: environment.newId(), at: environment.now, servers, bypassCooldown: true })
  const shown = await runSignal(environment, new Worker(environment).ports, asked)
  return { ...asked, id: environment.newId(), mode: "live", planHash: shown.plan?.hash ?? "none" }
}

export function standingAt(environment: Environment, { stream } = environment.supernodes[0]): SupernodeState {
  return stateOf(environment.head(stream))
}

export async function sayPause(ports: Ports): Promise<void> {
  const said: OperatorCommand = { verb: "pause", supernode: null, until: null, ...WHO }
  await commandAll(ports, said)
}

/** Operators end a pause, reset breakers, and settle unknown attempts. Returns true if they did anything. */
export async function peopleSettle(
  environment: Environment,
  ports: Ports = new Worker(environment).ports,
): Promise<boolean> {
  if (controlOf(environment.head(CONTROL_STREAM)).pausedAll) {
    await commandAll(ports, { verb: "resume", supernode: null, ...WHO })
    return true
  }
  let hasSettled = false
  for (const supernode of environment.supernodes) {
    const { attempt, breaker } = standingAt(environment, supernode)
    if (breaker) await reset(ports, supernode)
    else if (attempt?.state === "unknown") await settleUnknown(ports, supernode, attempt)
    else continue
    hasSettled = true
  }
  return hasSettled
}

/** Longer than an attempt may take until its response. */
export const PAST_DEADLINE_MS = 3 * MINUTE
