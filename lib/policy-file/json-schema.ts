import * as z from "zod"
import { isRecord } from "../decision/policy/amounts.ts"
import { descriptionOf } from "./descriptions.ts"
import { wholeFileSchema } from "./file-schema.ts"

/** JSON Schema (draft 2020-12) of a policy file, for editors. Made from the schema that checks the file. */
export function policyJsonSchema(): Record<string, unknown> {
  const generated: unknown = z.toJSONSchema(wholeFileSchema(), { io: "input" })
  const { $schema, properties, ...rest } = asRecord(generated)
  const { defaults, supernodes, ...keys } = asRecord(properties)
  const { items, ...list } = asRecord(supernodes)
  const schema = {
    $schema,
    title: "Policy of supernode-autoscaler",
    ...rest,
    properties: {
      ...keys,
      defaults: withoutIdentity(optional(defaults)),
      supernodes: { ...list, items: { ...optional(items), required: ["name", "id"] } },
    },
  }
  return described(schema, "") as Record<string, unknown>
}

/** Adds a description to each key. Finds it by path, since one zod schema may serve several keys. */
function described(schema: unknown, path: string): unknown {
  if (!isRecord(schema)) return schema
  const { properties, items, anyOf, ...rest } = schema
  return {
    ...rest,
    ...(isRecord(properties) ? { properties: describedKeys(properties, path) } : {}),
    ...(items === undefined ? {} : { items: described(items, `${path}[]`) }),
    ...(Array.isArray(anyOf) ? { anyOf: anyOf.map((one) => described(one, path)) } : {}),
  }
}

function describedKeys(properties: Record<string, unknown>, path: string): Record<string, unknown> {
  const keys = Object.entries(properties).map(([key, child]) => {
    const below = path === "" ? key : `${path}.${key}`
    const description = descriptionOf(below)
    const whole = described(child, below)
    return [key, isRecord(whole) && description !== undefined ? { description, ...whole } : whole]
  })
  return Object.fromEntries(keys) as Record<string, unknown>
}

/**
 * Makes every key optional, since `defaults` may provide it. Lists are replaced as a whole, so their items
 * keep their required keys.
 */
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
