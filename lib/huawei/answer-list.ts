import type { Parsed } from "./cloud-response.ts"

/**
 * The list under `name` in a 2xx answer. `null` counts as an empty list, since several backends write it so;
 * an absent list is unreadable. Do not use it for servers: they are counted, and zero differs from unknown.
 */
export function listIn(json: unknown, name: string): Parsed<readonly unknown[]> {
  const list = isObject(json) ? json[name] : undefined
  if (list === null) return { ok: true, value: [] }
  if (Array.isArray(list)) return { ok: true, value: list }
  return { ok: false, why: `the response has no list \`${name}\`` }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
