import type { Clock } from "../ports.ts"
import { readSignals } from "../signals/read.ts"
import { httpRequestOf } from "../signals/webhooks/webhooks.ts"
import type { App } from "./app.ts"
import type { RunSignals } from "./dispatch.ts"
import { fleetOf } from "./fleet.ts"
import type { PolicySource } from "./policies.ts"

interface Steps {
  clock: Clock
  policies: PolicySource
  receive: App["receive"]
  runAll: RunSignals
}

/** Handler of events of any format. Reads the signals of an event or of a webhook's request and runs them. */
export function eventHandler({ clock, policies, receive, runAll }: Steps): App["handle"] {
  return async (event, door, invocation) => {
    const request = door === "alarm" || door === "any" ? httpRequestOf(event) : null
    if (!request) {
      const { concerns } = fleetOf(policies.current()).router
      const { signals, problems } = readSignals(event, door, { now: clock.now(), concerns })
      const ran = await runAll(signals, invocation, { mode: null, only: null, problems })
      const asksToBuy = signals.some((signal) => signal.kind === "request" && signal.mode === "live")
      return { ...ran, problems, http: null, asksToBuy }
    }
    const received = await receive(request)
    if (received.kind === "answer") {
      const { status, body } = received
      return { results: [], warnings: [], facts: [], problems: [], http: { status, body }, asksToBuy: false }
    }
    const { signals, problems } = received
    const ran = await runAll(signals, invocation, { mode: null, only: null, problems })
    return { ...ran, problems, http: { status: 200, body: { results: ran.results } }, asksToBuy: false }
  }
}
