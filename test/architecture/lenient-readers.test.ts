import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import type { AlarmSignal, Signal } from "../../lib/decision/inputs/signal.ts"
import { readAlerts } from "../../lib/signals/alertmanager.ts"
import { readSignals } from "../../lib/signals/read.ts"
import { SignalError } from "../../lib/signals/signal-error.ts"
import { NOW, sample } from "../signals/sample.ts"
import { CLOUD_TABLE } from "./lenient-cloud.ts"
import { lenientReadersIn } from "./lenient-readers.ts"
import { EVENT_FIELDS, type EventField, SIGNALS_TABLE } from "./lenient-signals.ts"

const ROOT = fileURLToPath(new URL("../..", import.meta.url))

describe("every lenient reader", () => {
  it("the test tables list every lenient reader of external data, with its result for each kind of odd value", () => {
    const folders = ["lib/huawei", "lib/metrics", "lib/signals", "lib/notify", "lib/http"]
    const table = { ...SIGNALS_TABLE, ...CLOUD_TABLE }
    expect(lenientReadersIn(ROOT, folders).toSorted()).toEqual(Object.keys(table).toSorted())
    for (const row of Object.values(table)) expect(Object.values(row)).not.toContain("")
  })

  it("the source scan finds each lenient reader of external data by how it reads, and lists the key that it reads", () => {
    const found = lenientReadersIn(ROOT, ["test/architecture/lenient-sample.ts"])
    expect(found).toEqual([
      "test/architecture/lenient-sample.ts amount nullish catch",
      "test/architecture/lenient-sample.ts list catch",
      "test/architecture/lenient-sample.ts instant Date.parse",
      "test/architecture/lenient-sample.ts items Array.isArray",
      "test/architecture/lenient-sample.ts data isRecord?",
      "test/architecture/lenient-sample.ts all values??",
      "test/architecture/lenient-sample.ts count Number",
    ])
  })
})

function signalOf({ event, at }: EventField, change?: { value?: unknown }): Signal {
  const whole = event.startsWith("function-url") ? JSON.parse(String(sample(event)["body"])) : sample(event)
  const changed = change ? varied(whole, at, change) : whole
  const read = event.startsWith("function-url")
    ? readAlerts(changed, NOW)
    : readSignals(changed, "any", { now: NOW })
  const [signal] = read.signals
  if (!signal) throw new Error("a signal was expected")
  return signal
}

/**
 * The value with one field changed, or removed if `change` has no `value`. A path also leads through texts
 * that hold JSON.
 */
function varied(into: unknown, [key, ...rest]: EventField["at"], change: { value?: unknown }): unknown {
  if (key === undefined) return change.value
  if (typeof into === "string") return JSON.stringify(varied(JSON.parse(into), [key, ...rest], change))
  const copy = Array.isArray(into) ? [...(into as unknown[])] : { ...(into as object) }
  const at = copy as Record<string | number, unknown>
  if (rest.length === 0 && !("value" in change)) delete at[key]
  else at[key] = varied(at[key], rest, change)
  return copy
}

/** "same", "refused", or the signal's fields that changed. */
function meaningOf(field: EventField, change: { value?: unknown }): string {
  try {
    const [plain, other] = [signalOf(field), signalOf(field, change)]
    expectNoMore(plain, other)
    const keys = [...new Set([...Object.keys(plain), ...Object.keys(other)])]
    const text = (signal: Signal, key: string) =>
      JSON.stringify((signal as unknown as Record<string, unknown>)[key])
    const changed = keys.filter((key) => text(plain, key) !== text(other, key))
    return changed.length === 0 ? "same" : changed.toSorted().join(", ")
  } catch (error) {
    if (error instanceof SignalError) return "refused"
    throw error
  }
}

/** Checks that the odd value adds no alarm, no number and no resource that the event did not send. */
function expectNoMore(plain: Signal, other: Signal): void {
  if (plain.kind !== "alarm" || other.kind !== "alarm") {
    if (plain.kind === "request" && other.kind === "request") {
      expect(other.mode === "live" && plain.mode !== "live").toBe(false)
      expect(other.bypassCooldown && !plain.bypassCooldown).toBe(false)
    }
    return
  }
  expect(plain.state !== "alarm" && other.state === "alarm").toBe(false)
  const numbers = ({ points, values }: AlarmSignal) =>
    [...(points ?? []), ...(values ?? [])].map((one) => JSON.stringify(one))
  expect(numbers(plain)).toEqual(expect.arrayContaining(numbers(other)))
  const moved = Object.entries(other.resource).filter(([name, value]) => plain.resource[name] !== value)
  for (const [, value] of moved) expect(Object.values(plain.resource)).not.toContain(value)
}

describe("an odd value of a field starts no purchase and enlarges none", () => {
  it.each(EVENT_FIELDS.map((field) => [`${field.event} ${field.at.join(".")}`, field] as const))(
    "an odd value in an event starts no purchase and enlarges none: %s",
    (_, field) => {
      const wrongTyped = new Set(field.wrongTyped.map((value) => meaningOf(field, { value })))
      expect([
        meaningOf(field, {}),
        meaningOf(field, { value: null }),
        [...wrongTyped].toSorted().join(" | "),
        meaningOf(field, { value: field.implausible }),
      ]).toEqual(field.means)
    },
  )
})
