import * as z from "zod"
import { isRecord } from "../decision/policy/units.ts"
import { wholeFileSchema } from "./file-schema.ts"

/** The JSON Schema (draft 2020-12) of a policy file, for editors: from the same schema that checks it when it is read. */
export function policyJsonSchema(): Record<string, unknown> {
  const generated: unknown = z.toJSONSchema(wholeFileSchema, { io: "input" })
  const { $schema, properties, ...rest } = asRecord(generated)
  const { defaults, supernodes, ...keys } = asRecord(properties)
  const { items, ...list } = asRecord(supernodes)
  return {
    $schema,
    title: "Policy of supernode-autoscaler",
    ...rest,
    properties: {
      ...keys,
      defaults: withoutIdentity(optional(defaults)),
      supernodes: { ...list, items: { ...optional(items), required: ["name", "id"] } },
    },
  }
}

/** What `defaults` may give is required nowhere. Lists replace as a whole, so their items keep what they require. */
function optional(schema: unknown): Record<string, unknown> {
  const { required: _required, properties, ...rest } = asRecord(schema)
  if (!isRecord(properties)) return asRecord(schema)
  const loosened = Object.entries(properties).map(([key, child]) => [
    key,
    isRecord(child) ? optional(child) : child,
  ])
  return { ...rest, properties: Object.fromEntries(loosened) as unknown }
}

function withoutIdentity(schema: Record<string, unknown>): Record<string, unknown> {
  const { name: _name, id: _id, ...properties } = asRecord(schema["properties"])
  return { ...schema, properties }
}

function asRecord(value: unknown): Record<string, unknown> {
  if (!isRecord(value)) throw new TypeError("the generated JSON Schema has another shape than expected")
  return value
}
