import { isRecord } from "../decision/policy/amounts.ts"

/** Merges `defaults` into one supernode: maps deeply; lists, texts and empty values replace the default. */
export function mergeDefaults(defaults: unknown, own: unknown): unknown {
  if (!isRecord(defaults) || !isRecord(own)) return own
  const keys = [...new Set([...Object.keys(defaults), ...Object.keys(own)])]
  return Object.fromEntries(
    keys.map((key) => [
      key,
      Object.hasOwn(own, key) ? mergeDefaults(defaults[key], own[key]) : defaults[key],
    ]),
  )
}
