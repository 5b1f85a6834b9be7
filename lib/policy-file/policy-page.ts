import { isRecord } from "../decision/policy/amounts.ts"

type Schema = Record<string, unknown>

/** `docs/policy.md`: one table per group of keys, from the JSON Schema. */
export function policyPage(schema: Schema): string {
  const groups = groupsOf(schema, "")
  return `${[INTRODUCTION, ...groups].join("\n\n")}\n`
}

const INTRODUCTION = `# The policy file

All keys. \`npm run schema\` generates this page from the schema that checks the file. [examples/policy.yaml](../examples/policy.yaml) shows all of them
in use. \`supernode-autoscaler validate policy.yaml\` checks a file and prints its maximum cost.

Durations are written as \`90s\`, \`30m\`, \`24h\` or \`30d\`. Keys under \`supernodes[]\` may also be written once under \`defaults\`, where
none is required. Editors complete the keys from [policy.schema.json](policy.schema.json).`

/** Tables of one map's keys and of the maps inside it. Skips `defaults`, which repeats a supernode's keys. */
function groupsOf(schema: Schema, path: string): string[] {
  const { properties, required } = schema
  if (!isRecord(properties)) return []
  const needed = Array.isArray(required) ? required : []
  const keys = Object.entries(properties).filter((pair): pair is [string, Schema] => isRecord(pair[1]))
  const rows = keys.map(([key, child]) => rowOf(key, child, needed.includes(key)))
  const heading = path === "" ? "## The file" : `## \`${path}\``
  const table = [`| key | value | default | meaning |`, `|---|---|---|---|`, ...rows].join("\n")
  const inner = keys.flatMap(([key, child]) => {
    if (key === "defaults") return []
    const below = path === "" ? key : `${path}.${key}`
    return mapsIn(child, below).flatMap((map) => groupsOf(map.schema, map.path))
  })
  return [`${heading}\n\n${table}`, ...inner]
}

/** Map schemas of a value: the value itself, the items of a list, or the first form that is a map. */
function mapsIn(schema: Schema, path: string): { schema: Schema; path: string }[] {
  if (isRecord(schema["properties"])) return [{ schema, path }]
  if (isRecord(schema["items"])) return mapsIn(schema["items"], `${path}[]`)
  const [first] = formsOf(schema)
    .map((form) => mapsIn(form, path))
    .filter((maps) => maps.length > 0)
  return first ?? []
}

function formsOf(schema: Schema): Schema[] {
  return Array.isArray(schema["anyOf"]) ? schema["anyOf"].filter(isRecord) : []
}

function rowOf(key: string, schema: Schema, isRequired: boolean): string {
  const fallback = schema["default"] === undefined ? "" : `\`${JSON.stringify(schema["default"])}\``
  const meaning = String(schema["description"] ?? "")
  const cells = [`\`${key}\``, valueIn(schema), isRequired ? "required" : fallback, meaning]
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`
}

function valueIn(schema: Schema): string {
  const { enum: choices, const: only, type, items } = schema
  if (Array.isArray(choices)) return choices.map((choice) => `\`${choice}\``).join(", ")
  if (only !== undefined) return `\`${JSON.stringify(only)}\``
  const forms = formsOf(schema)
  if (forms.length > 0) return [...new Set(forms.map(valueIn))].join(" or ")
  if (isRecord(items))
    return Array.isArray(items["enum"]) ? `list of ${valueIn(items)}` : `list of ${valueIn(items)}s`
  if (type === "object") return "map"
  if (type === "integer" || type === "number") return rangeOf(schema)
  return type === "boolean" ? "`true` or `false`" : "text"
}

function rangeOf({ type, minimum, maximum }: Schema): string {
  const name = type === "integer" ? "whole number" : "number"
  const isWritten = (bound: unknown): bound is number => typeof bound === "number" && Math.abs(bound) < 1e12
  if (isWritten(minimum) && isWritten(maximum)) return `${name}, ${minimum} to ${maximum}`
  return isWritten(minimum) ? `${name}, at least ${minimum}` : name
}
