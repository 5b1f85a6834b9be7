import { CONTROL_STREAM, FLEET_STREAM } from "./next-entry.ts"

// Form of a stream's state, as far as the fold relies on it. A state that this program wrote always has this
// form. A state in another form was altered, which must be reported and must not crash the reader.

type Check = (value: unknown) => boolean

const isRecord: Check = (value) => typeof value === "object" && value !== null && !Array.isArray(value)
const isText: Check = (value) => typeof value === "string"
const isNumber: Check = (value) => typeof value === "number"
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value)
const orAbsent =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check)
const recordOf =
  (check: Check): Check =>
  (value) =>
    isRecord(value) && everyMember(value as Record<string, unknown>, check)
/** Checks for the members of a record, by name. */
type Form = readonly [name: string, check: Check][]

const having = (members: Record<string, Check>): Check => {
  const form = Object.entries(members)
  return (value) => isRecord(value) && badMember(form, value as Record<string, unknown>) === null
}

const isAttempt = having({
  id: isText,
  state: isText,
  openedAt: isNumber,
  deadline: isNumber,
  flavor: isText,
  before: listOf(isText),
  rules: listOf(isText),
  latching: orAbsent(listOf(isText)),
})

const isTracesRead = having({ kind: isText, count: isNumber, kept: listOf(isRecord) })
const isTracesUnread = having({ kind: isText, reason: isText, why: isText })
const isTracesSeen: Check = (value) => isTracesRead(value) || isTracesUnread(value)

const SUPERNODE: Form = Object.entries({
  attempt: orNull(isAttempt),
  openedAt: orNull(isNumber),
  completedAt: orNull(isNumber),
  foreignAt: orNull(isNumber),
  servers: orNull(listOf(isText)),
  newServers: listOf(isText),
  purchases: listOf(having({ attempt: isText, at: isNumber, state: isText })),
  signals: recordOf(having({ at: isNumber, keepUntil: isNumber })),
  episodes: recordOf(isRecord),
  latches: recordOf(isNumber),
  lastDecision: orNull(isRecord),
  policySeen: orNull(having({ hash: isText, since: isNumber })),
  policies: orAbsent(recordOf(isNumber)),
  blocked: recordOf(having({ until: isNumber, times: isNumber })),
  throttle: orNull(having({ until: isNumber, times: isNumber })),
  breaker: orNull(isRecord),
  rulesOff: recordOf(isText),
  absent: listOf(isAttempt),
  told: orAbsent(recordOf(having({ at: isNumber }))),
  acted: orAbsent(recordOf(having({ at: isNumber, attempt: isText }))),
  order: orAbsent(having({ attempt: isText, orderId: isText, status: orNull(isNumber), at: isNumber })),
  witness: orAbsent(
    having({
      attempt: isText,
      at: isNumber,
      servers: orNull(
        having({ present: isNumber, added: isNumber, ids: listOf(isText), orderIds: listOf(isText) }),
      ),
      traces: isTracesSeen,
    }),
  ),
  effects: orAbsent(listOf(isRecord)),
} satisfies Record<string, Check>)

const isStop = having({ why: isText, by: isText, at: isNumber, until: orNull(isNumber) })

const CONTROL: Form = Object.entries({
  pausedAll: orNull(isStop),
  paused: recordOf(isStop),
  held: recordOf(isStop),
  approvals: listOf(
    having({
      planHash: isText,
      by: isText,
      at: isNumber,
      expires: orAbsent(isNumber),
      signature: orAbsent(having({ hash: isText, value: isText })),
    }),
  ),
  ledger: orAbsent(having({ id: isText })),
} satisfies Record<string, Check>)

const FLEET: Form = Object.entries({
  pending: listOf(having({ id: isText, stream: isText, seq: isNumber, openedAt: isNumber })),
  members: recordOf(isNumber),
} satisfies Record<string, Check>)

/** First member of a state that is missing or has a wrong form for its stream; null if there is none. */
export function stateShapeProblem(stream: string, state: unknown): string | null {
  if (!isRecord(state)) return "it is not an object"
  const form = stream === CONTROL_STREAM ? CONTROL : stream === FLEET_STREAM ? FLEET : SUPERNODE
  const name = badMember(form, state as Record<string, unknown>)
  return name === null ? null : `"${name}" is missing or has the wrong form`
}

function badMember(form: Form, value: Record<string, unknown>): string | null {
  for (const [name, check] of form) if (!check(value[name])) return name
  return null
}

/** A plain `for…in` is enough: states come from JSON.parse and have no inherited keys. */
function everyMember(value: Record<string, unknown>, check: Check): boolean {
  for (const name in value) if (!check(value[name])) return false
  return true
}
