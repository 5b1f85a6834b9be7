import type { Body } from "./huawei-kit.ts"
import schemas from "./provider-schemas.json" with { type: "json" }

/**
 * The provider's published schema of a block: its arguments, its exported attributes and its nested blocks.
 */
export interface Schema {
  /** `required` or `optional` (and `computed`), then the type: `optional list(string)`. */
  arguments: Record<string, string>
  exports: Record<string, string>
  blocks?: Record<string, NestedSchema>
}

export interface NestedSchema extends Schema {
  nesting: string
  required: boolean
  max?: number
}

export const SCHEMAS = schemas.resources as Record<string, Schema>
const META = ["count", "for_each", "depends_on", "lifecycle", "provider"]

/** Problems of a resource's body against the provider's schema, each with its place. */
export function problemsOf({ address, type, body }: { address: string; type: string; body: Body }): string[] {
  const schema = SCHEMAS[type]
  if (!schema) return [`${address}: the provider has no resource ${type}`]
  const own = Object.fromEntries(Object.entries(body).filter(([name]) => !META.includes(name)))
  return bodyProblems(address, own, schema)
}

function bodyProblems(at: string, body: Body, schema: Schema): string[] {
  const { dynamic = {}, ...written } = body
  const blocks = schema.blocks ?? {}
  const problems = Object.keys(written)
    .filter((name) => !(name in schema.arguments) && !(name in blocks))
    .map((name) => `${at}: ${name} is not an argument`)
  for (const [name, kind] of Object.entries(schema.arguments)) {
    if (kind.startsWith("required ") && !(name in written)) problems.push(`${at}: ${name} is required`)
  }
  const generated = dynamic as Record<string, { content: Body[] }[]>
  for (const name of Object.keys(generated)) {
    if (!(name in blocks)) problems.push(`${at}: ${name} is not a block`)
  }
  for (const [name, inner] of Object.entries(blocks)) {
    const bodies = [
      ...((written[name] ?? []) as Body[]),
      ...(generated[name] ?? []).flatMap(({ content }) => content),
    ]
    if (inner.required && bodies.length === 0) problems.push(`${at}: the block ${name} is required`)
    for (const one of bodies) problems.push(...bodyProblems(`${at}.${name}`, one, inner))
  }
  return problems
}

/** References to resources that do not exist, or to attributes that the provider does not export. */
export function unknownReferences(text: string, addresses: Set<string>): string[] {
  const reference = /\b(huaweicloud_\w+)\.(\w+)(?:\[[^\]]*\])?(?:\.(\w+))?/g
  return [...text.matchAll(reference)].flatMap(([whole, type = "", name, attribute]) => {
    if (!addresses.has(`${type}.${name}`)) return [`${whole}: no such resource`]
    const schema = SCHEMAS[type]
    const known = attribute === undefined || attribute in (schema?.arguments ?? {})
    return known || attribute in (schema?.exports ?? {}) ? [] : [`${whole}: not exported`]
  })
}
