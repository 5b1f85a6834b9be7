import { alarmAction } from "./aws/alarm-action.ts"
import { eventBridgeAlarm } from "./aws/eventbridge-alarm.ts"
import { eventBridgeSchedule } from "./aws/eventbridge-schedule.ts"
import { eventBridgeScheduler } from "./aws/eventbridge-scheduler.ts"
import { sns } from "./aws/sns.ts"
import { smn } from "./huawei/smn.ts"
import { timer } from "./huawei/timer.ts"
import { sizeProblem } from "./json-text.ts"
import { request } from "./request.ts"
import type { DoorName, Json, ReadSignals, Shape, SignalContext } from "./shape.ts"
import { SignalError } from "./signal-error.ts"
import { httpRequestOf } from "./webhooks/http-request.ts"

export type { DoorName, ReadSignals, SignalContext } from "./shape.ts"
export { SignalError } from "./signal-error.ts"

/** Every known event format, in the order of recognition. HTTP requests are not included: see webhooks. */
const SHAPES: readonly Shape[] = [
  sns,
  eventBridgeAlarm,
  alarmAction,
  smn,
  eventBridgeSchedule,
  eventBridgeScheduler,
  timer,
  request,
]

/**
 * Reads signals from a foreign event. Throws SignalError, and nothing else, if the event is unreadable or
 * unknown, or if it belongs to another door.
 */
export function readSignals(event: unknown, door: DoorName, context: SignalContext): ReadSignals {
  if (!isObject(event)) throw new SignalError(`the event is ${nameOf(event)}, not an object`, known(door))
  const tooMuch = sizeProblem(event)
  if (tooMuch !== null) throw new SignalError(`the event ${tooMuch}`)
  if (httpRequestOf(event) !== null) {
    throw new SignalError(
      "the event is an HTTP request, which only a webhook endpoint or `run --event` accepts",
      known(door),
    )
  }
  const shape = SHAPES.find((candidate) => candidate.looksLike(event))
  const bare = shape ? null : bareMessage(event)
  if (bare !== null) throw new SignalError(`the event is ${bare}`)
  if (!shape) throw new SignalError("the event has an unknown format", known(door))
  if (door !== "any" && shape.door !== door) {
    throw new SignalError(
      `the event has the format "${shape.name}", which is for the ${shape.door} door`,
      known(door),
    )
  }
  return shape.read(event, context)
}

/** Message for an alarm that lacks its SNS or SMN envelope; `null` for any other event. */
function bareMessage(event: Json): string | null {
  if (Object.hasOwn(event, "AlarmArn") || Object.hasOwn(event, "NewStateValue"))
    return "a CloudWatch alarm without the envelope of SNS: switch off `Enable raw message delivery` (RawMessageDelivery) of the SNS subscription, and send the whole SNS message, with its envelope, unchanged"
  if (Object.hasOwn(event, "alarm_id") && Object.hasOwn(event, "alarm_status"))
    return "a Cloud Eye alarm without the envelope of SMN: send the whole SMN message, with its envelope, unchanged"
  return null
}

function known(door: DoorName): { hint: string } {
  const names = SHAPES.filter((shape) => door === "any" || shape.door === door).map((shape) => shape.name)
  return { hint: `the ${door === "any" ? "" : `${door} `}door accepts: ${names.join(" · ")}` }
}

function isObject(event: unknown): event is Json {
  return typeof event === "object" && event !== null && !Array.isArray(event)
}

function nameOf(event: unknown): string {
  if (event === null || event === undefined) return String(event)
  return Array.isArray(event) ? "a list" : `a ${typeof event}`
}
