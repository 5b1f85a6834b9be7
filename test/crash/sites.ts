import { readdirSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { type Token, tokensOf } from "../architecture/tokens.ts"
import { INSTANT } from "./points.ts"

// Port calls and awaits in the sources of a run, read from their text. So a call that is not enumerated
// cannot be added unnoticed, even if no test reaches it.

const LIB = fileURLToPath(new URL("../../lib/", import.meta.url))

/** Files in which a run can end at an await: all steps of a run, and operator commands on the same chains. */
export const CORRIDOR = [
  ...readdirSync(`${LIB}run`)
    .sort()
    .map((file) => `run/${file}`),
  "ledger/commands.ts",
]

export interface SourceFacts {
  /** Port calls as `function room.verb`, without those in INSTANT. */
  sites: string[]
  /** Names of the functions that it declares. */
  functions: string[]
  /** The function, awaited expression and line of every await. */
  awaits: { where: string; what: string; line: number }[]
  /** Identifiers and modules that the corridor must not use. */
  strangers: string[]
}

const PORT = /^(ports|notify)(\.(ledger|cloud|clock|notify))?\.\w+$/
const ROOMS = ["ledger", "cloud", "clock", "notify"]
/** Other ways to wait or to reach the outside. */
const STRANGE = [
  "then",
  "fetch",
  "setTimeout",
  "setImmediate",
  "setInterval",
  "queueMicrotask",
  "process",
  "Promise",
]

export function factsOf(source: string): SourceFacts {
  const tokens = tokensOf(source)
  const facts: SourceFacts = { sites: [], functions: [], awaits: [], strangers: [] }
  let asker = "module"
  for (const [i, token] of tokens.entries()) {
    if (token.text === "function" && token.kind === "word") {
      asker = tokens[tokens[i + 1]?.text === "*" ? i + 2 : i + 1]?.text ?? "?"
      facts.functions.push(asker)
    }
    if (token.kind === "word" && tokens[i - 1]?.text !== ".") {
      const path = pathAt(tokens, i)
      if (PORT.test(path)) pushSite(facts, asker, path)
      if (token.text === "await")
        facts.awaits.push({ where: asker, what: awaited(tokens, i), line: token.line })
      // Promise.all by itself waits for nothing; `new Promise` may.
      if (STRANGE.includes(token.text) && path !== "Promise.all" && tokens[i + 1]?.text !== "<")
        facts.strangers.push(`${asker}: ${path}`)
    }
    if (token.text === "then" && tokens[i - 1]?.text === ".") facts.strangers.push(`${asker}: .then`)
    if (token.kind === "string" && tokens[i - 1]?.text === "from" && !token.text.startsWith("."))
      facts.strangers.push(`import of ${token.text}`)
    // Ports under another name would hide their calls.
    if (token.text === "=" && tokens[i + 1]?.text === "ports")
      if (tokens[i + 2]?.text !== "." && tokens[i - 2]?.text !== "notify")
        facts.strangers.push(`${asker}: = ports`)
  }
  return facts
}

function pushSite({ sites }: SourceFacts, asker: string, path: string): void {
  const parts = path.split(".")
  const verb = parts.slice(parts[0] === "notify" ? 0 : 1).join(".")
  const isCallable = ROOMS.includes(verb.split(".")[0] ?? "") && verb.includes(".")
  if (isCallable && !INSTANT.includes(verb)) sites.push(`${asker} ${verb}`)
}

/** The path that starts at this token, such as `ports.ledger.head`; a call by `?.(` ends it. */
function pathAt(tokens: Token[], start: number): string {
  let path = tokens[start]?.text ?? ""
  for (let i = start + 1; tokens[i]?.text === "." && tokens[i + 1]?.text !== "("; i += 2)
    path += `.${tokens[i + 1]?.text ?? ""}`
  return path
}

/** Operand of an await: the path after it and after any opening brackets. */
function awaited(tokens: Token[], at: number): string {
  let i = at + 1
  while (["(", "const", "entry", "of"].includes(tokens[i]?.text ?? "")) i += 1
  return pathAt(tokens, i)
}

export function isPort(what: string): boolean {
  return PORT.test(what)
}
