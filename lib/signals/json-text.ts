import { SignalError } from "./signal-error.ts"

/** Maximum size of one JSON text: an HTTP body, or a text inside an event. */
export const MAX_TEXT_BYTES = 256 * 1024
/** Maximum nesting of objects and lists. */
const MAX_DEPTH = 20
/** Maximum number of values in one event; far more than any cloud sends. */
const MAX_NODES = 250_000
const TOO_MANY = `contains more than ${MAX_NODES} values`

/**
 * Parses JSON text. Size and depth are checked before parsing. Throws SignalError. `hint` tells the operator
 * what to do if the text is not JSON.
 */
export function readJson(text: string, where: string, hint?: string): unknown {
  if (text.length > MAX_TEXT_BYTES || Buffer.byteLength(text) > MAX_TEXT_BYTES) {
    throw new SignalError(`${where}: is larger than ${MAX_TEXT_BYTES / 1024} KB`)
  }
  if (nestsTooDeep(text)) throw new SignalError(`${where}: nests deeper than ${MAX_DEPTH} levels`)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new SignalError(`${where}: is not JSON${hint === undefined ? "" : `; ${hint}`}`, { cause })
  }
}

/** True if text nests too deep. Counts brackets outside of strings, so JSON.parse never gets such text. */
function nestsTooDeep(text: string): boolean {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i]
    if (inString) {
      if (char === "\\") i += 1
      else if (char === '"') inString = false
    } else if (char === '"') inString = true
    else if (char === "{" || char === "[") {
      depth += 1
      if (depth > MAX_DEPTH) return true
    } else if (char === "}" || char === "]") depth -= 1
  }
  return false
}

/** Reason why a parsed event is too large or nests too deep; `null` if neither is true. */
export function sizeProblem(event: unknown): string | null {
  const waiting: { value: unknown; depth: number }[] = [{ value: event, depth: 0 }]
  let nodes = 0
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, depth } = next
    nodes += 1
    if (typeof value !== "object" || value === null) continue
    if (depth >= MAX_DEPTH) return `nests deeper than ${MAX_DEPTH} levels`
    const children: unknown[] = Object.values(value)
    if (nodes + waiting.length + children.length > MAX_NODES) return TOO_MANY
    for (const child of children) waiting.push({ value: child, depth: depth + 1 })
  }
  return null
}
