import type { NamedValue } from "../../decision/inputs/signal.ts"
import type { AlarmSetting } from "./metric.ts"

/** Annotation that is read if the rule names no value. */
const DEFAULT_ANNOTATION = "value"

/**
 * The number of an alert that the rule means, or the reason why there is none. A text with a unit is display
 * text and not a measurement, unless the rule states that unit.
 */
export function chosenValue(
  values: readonly NamedValue[],
  { value: name, unit }: AlarmSetting,
): { value: number } | { problem: string } {
  const matching = name === undefined ? unnamed(values) : values.filter((one) => one.name === name)
  if ("problem" in matching) return matching
  const [first] = matching
  if (first === undefined) {
    return {
      problem: `the alert has no number named ${name ?? DEFAULT_ANNOTATION}: ${sayAvailable(values)}`,
    }
  }
  if (matching.some(({ value }) => value !== first.value))
    return { problem: `the alert has two different values of ${first.name}: ${sayValues(matching)}` }
  const foreignUnit = matching.find((one) => one.unit !== null && one.unit !== unit)
  if (foreignUnit) {
    const stated = unit === undefined ? "" : `, but the rule states ${unit}`
    return {
      problem: `the alert's ${foreignUnit.name} is "${foreignUnit.value} ${foreignUnit.unit}"${stated}: write the bare number, {{ $value }}, or state unit: "${foreignUnit.unit}" in the rule`,
    }
  }
  return { value: first.value }
}

/** Without a named value: the annotation `value`, else Grafana's only value unless 0 or 1 (a condition). */
function unnamed(values: readonly NamedValue[]): NamedValue[] | { problem: string } {
  const annotated = values.filter(({ from, name }) => from === "annotation" && name === DEFAULT_ANNOTATION)
  if (annotated.length > 0) return annotated
  const queried = values.filter(({ from }) => from === "values")
  const [only, another] = queried
  if (another !== undefined) {
    return {
      problem: `the alert has ${queried.length} values (${sayValues(queried)}): name the one to use, metric: { alarm: { value: REFID } }`,
    }
  }
  if (only !== undefined && (only.value === 0 || only.value === 1)) {
    return {
      problem: `the alert has only ${sayValues([only])}, which looks like the result of a condition. Send the measurement, too. If this is the measurement, write metric: { alarm: { value: ${only.name} } } in the rule`,
    }
  }
  return queried
}

function sayAvailable(values: readonly NamedValue[]): string {
  return values.length === 0
    ? 'give the alert rule the annotation value: "{{ $value }}"'
    : `it has ${sayValues(values)}`
}

/** Maximum number of values listed in one message. */
const MAX_LISTED = 5

function sayValues(values: readonly NamedValue[]): string {
  const said = values
    .slice(0, MAX_LISTED)
    .map(({ name, value, unit }) => `${name} = ${value}${unit === null ? "" : ` ${unit}`}`)
  return `${said.join(", ")}${values.length > MAX_LISTED ? ", …" : ""}`
}
