import type * as z from "zod"
import { cleanText } from "../decision/inputs/foreign-text.ts"
import { isRecord } from "../decision/policy/amounts.ts"
import { didYouMean } from "../decision/policy/did-you-mean.ts"
import type { Path } from "./path.ts"

/** One problem found by a schema, as a sentence. */
export interface Wording {
  path: Path
  message: string
  /** `key` if the problem is the key itself, such as an unknown key; otherwise `value`. */
  point: "key" | "value"
}

/** Keys whose values are secrets or long texts. Messages never repeat these values. */
const UNQUOTED_KEYS = new Set<string | number>(["notify", "url", "userdata"])

const KINDS: Record<string, string> = {
  object: "a mapping",
  record: "a mapping",
  array: "a list",
  string: "text",
  boolean: "true or false",
}

/** Maximum number of unknown keys reported per mapping. A mapping with more is not a policy. */
const MAX_UNKNOWN = 100

/** Our sentence for a zod issue, used if a schema has no message of its own. */
export function issueText(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === "invalid_type") return `must be ${expected(issue)}`
  if (issue.code === "invalid_value") return `must be ${oneOf(issue["values"])}`
  if (issue.code === "unrecognized_keys") return allowedKeys(issue).join(" ")
  return undefined
}

function expected(issue: z.core.$ZodRawIssue): string {
  const kind = String(issue["expected"])
  const keys = kind === "object" ? allowedKeys(issue) : []
  return `${KINDS[kind] ?? `a ${kind}`}${keys.length > 0 ? ` of ${keys.join(", ")}` : ""}`
}

function oneOf(values: unknown): string {
  const list = Array.isArray(values) ? values.map(String) : []
  return list.length > 1 ? `one of ${list.join(", ")}` : (list[0] ?? "something else")
}

function allowedKeys(issue: z.core.$ZodRawIssue): string[] {
  const def: unknown = issue.inst && "_zod" in issue.inst ? issue.inst._zod.def : undefined
  return isRecord(def) && isRecord(def["shape"]) ? Object.keys(def["shape"]) : []
}

/** Sentences about `value` for issues whose messages come from `issueText`. */
export function wordingsOf(issues: readonly z.core.$ZodIssue[], value: unknown): Wording[] {
  return issues.flatMap((issue): Wording[] => {
    const path = issue.path.map((segment) => (typeof segment === "number" ? segment : String(segment)))
    if (issue.code === "unrecognized_keys") {
      const allowed = issue.message.split(" ")
      return unknownKeys(issue.keys).map((key) => ({
        path: [...path, key],
        message: unknownKey(key, allowed),
        point: "key",
      }))
    }
    if (issue.code === "invalid_key") {
      return [{ path, message: issue.issues[0]?.message ?? "is not a valid key", point: "key" }]
    }
    const branch = issue.code === "invalid_union" ? branchMeant(issue) : null
    if (branch !== null) {
      return wordingsOf(branch, valueAt(value, path)).map((wording) => ({
        ...wording,
        path: [...path, ...wording.path],
      }))
    }
    return [{ path, message: sentence(issue, path, valueAt(value, path)), point: "value" }]
  })
}

/**
 * Issues of the intended member of a union: the value is of its kind, and only something inside is wrong.
 * `null` if no member fits.
 */
function branchMeant({ errors }: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] | null {
  const isOfItsKind = ({ code, path }: z.core.$ZodIssue) => path.length > 0 || code === "unrecognized_keys"
  return errors.find((issues) => issues.length > 0 && issues.every(isOfItsKind)) ?? null
}

/** Unknown keys except `<<` and `__proto__`, which the YAML check reports wherever they are. */
function unknownKeys(keys: readonly string[]): string[] {
  return keys.filter((key) => key !== "<<" && key !== "__proto__").slice(0, MAX_UNKNOWN)
}

function unknownKey(key: string, allowed: readonly string[]): string {
  const near = didYouMean(key, allowed)
  const guess = near === null ? "" : ` (did you mean ${near}?)`
  return `is not a known key${guess}: allowed keys are ${allowed.join(", ")}`
}

/** Adds "is missing" for a missing key, and the wrong value for a scalar. Does not repeat a whole mapping. */
function sentence({ code, message }: z.core.$ZodIssue, path: Path, seen: unknown): string {
  if (seen === undefined) return message.startsWith("must be ") ? `is missing: ${message}` : message
  // A message that says more than the allowed form already names the value.
  if (!message.startsWith("must be ") || (code === "custom" && message.includes(": "))) return message
  if (seen === null) return `${message}, not empty`
  if (typeof seen === "object") {
    return code === "custom" ? message : `${message}, not ${Array.isArray(seen) ? "a list" : "a mapping"}`
  }
  if (path.some((segment) => UNQUOTED_KEYS.has(segment))) return message
  const quotes = message === "must be text" ? ": put it in quotes" : ""
  return `${message}, not ${shown(seen)}${quotes}`
}

function shown(seen: unknown): string {
  const text = typeof seen === "string" ? JSON.stringify(cleanText(seen, 200)) : String(seen)
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}

/** Value at a path; `undefined` if there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((at, segment) => {
    if (Array.isArray(at)) return at[Number(segment)] as unknown
    return isRecord(at) && Object.hasOwn(at, segment) ? at[segment] : undefined
  }, value)
}
