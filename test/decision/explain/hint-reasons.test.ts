import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { HINTS, PRECONDITION_HINTS } from "../../../lib/decision/explain/hints.ts"
import { type Token, tokensOf } from "../../architecture/tokens.ts"
import { WITHOUT_HINT } from "./without-hint.ts"

const LIB = fileURLToPath(new URL("../../../lib", import.meta.url))

/** Strings that are not reasons, in functions that compute a reason: they only distinguish cases. */
const NO_REASONS: Record<string, readonly string[]> = {
  attemptReason: ["open", "accepted", "unknown"],
  whyNoEvidence: ["off", "read", "unreadable"],
}

interface Found {
  reason: string
  file: string
}

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(folder, file))
}

/** The reasons that calls of `name` give as argument number `place`. Throws if it cannot determine them. */
function reasonsGiven(file: string, name: string, place: number): Found[] {
  const tokens = tokensOf(readFileSync(file, "utf8"))
  return tokens.flatMap((token, i) => {
    const isCall = token.text === name && tokens[i + 1]?.text === "(" && tokens[i - 1]?.text !== "function"
    if (!isCall) return []
    const said = argumentsOf(tokens, i + 1)[place] ?? []
    return reasonsIn(said, tokens, file).map((reason) => ({ reason, file }))
  })
}

function argumentsOf(tokens: Token[], open: number): Token[][] {
  const found: Token[][] = [[]]
  let depth = 0
  for (const token of tokens.slice(open)) {
    if ([")", "]", "}"].includes(token.text) && token.kind === "punctuation" && --depth === 0) break
    if (depth === 1 && token.text === "," && token.kind === "punctuation") found.push([])
    else if (depth > 0) found.at(-1)?.push(token)
    if (["(", "[", "{"].includes(token.text) && token.kind === "punctuation") depth++
  }
  return found
}

/** Literals of the argument; for a name, the strings of its `const` or `function` in the same file. */
function reasonsIn(said: Token[], tokens: Token[], file: string): string[] {
  // The arguments of a function are not reasons.
  const open = said.findIndex(({ text, kind }) => text === "(" && kind === "punctuation")
  const words = said
    .slice(0, open < 0 ? undefined : open)
    .filter(({ kind }) => kind === "word")
    .map(({ text }) => text)
  const found = [
    ...said.filter(({ kind }) => kind === "string").map(({ text }) => text),
    ...words.flatMap((name) => stringsOf(name, tokens)),
  ]
  // A verdict that is passed on has got its reason elsewhere.
  const isHandedOn = words.length === 2 && words[1] === "reason"
  if (found.length === 0 && !isHandedOn)
    throw new Error(
      `${file}: which reasons can "${words.join(" ")}" be? Write them in the call, a const or a function`,
    )
  return found
}

/** Approximate end of a definition: the beginning of the next one. */
const NEXT = { const: ["return", "const", "if"], function: ["function"] }

function stringsOf(name: string, tokens: Token[]): string[] {
  return tokens.flatMap((token, at) => {
    const keyword = tokens[at - 1]?.text
    if (token.text !== name || (keyword !== "const" && keyword !== "function")) return []
    const rest = tokens.slice(at)
    const end = rest.findIndex(({ text, kind }) => kind === "word" && NEXT[keyword].includes(text))
    return rest
      .slice(0, end < 0 ? undefined : end)
      .filter(({ kind, text }) => kind === "string" && !(NO_REASONS[name] ?? []).includes(text))
      .map(({ text }) => text)
  })
}

describe("the reasons of holds", () => {
  const gates = sources(join(LIB, "decision")).flatMap((file) => reasonsGiven(file, "fail", 0))
  const outside = sources(LIB).flatMap((file) => [
    ...reasonsGiven(file, "holdFor", 1),
    ...reasonsGiven(file, "preconditionFinding", 0),
    ...reasonsGiven(file, "ledgerProblem", 0),
  ])

  it("the test of hints finds every reason for a hold in the source code", () => {
    const reasons = new Set(gates.map(({ reason }) => reason))
    expect([...reasons]).toEqual(
      expect.arrayContaining(["paused", "stuck", "latched", "credentials", "offers-unreadable"]),
    )
    expect(reasons.size).toBeGreaterThan(33)
    expect(new Set(outside.map(({ reason }) => reason))).toEqual(
      new Set([
        "overtaken",
        "no-time",
        "standing-full",
        "policy-conflict",
        "ledger-new",
        "ledger-other",
        "ledger-behind",
        "ledger-restored",
      ]),
    )
  })

  it.each([...new Set(gates.map(({ reason }) => reason))])(
    "reason %s of a gate has a hint, or a comment why it has none",
    (reason) => {
      expect(Object.keys({ ...HINTS, ...WITHOUT_HINT })).toContain(reason)
    },
  )

  it.each([...new Set(outside.map(({ reason }) => reason))])(
    "reason %s, which no gate gives, has a hint, or a comment why it has none",
    (reason) => {
      expect(Object.keys({ ...PRECONDITION_HINTS, ...WITHOUT_HINT })).toContain(reason)
    },
  )

  it("every hint belongs to a reason that the source code gives", () => {
    const given = [...gates, ...outside].map(({ reason }) => reason)
    const written = Object.keys({ ...HINTS, ...PRECONDITION_HINTS, ...WITHOUT_HINT })
    expect(written.filter((reason) => !given.includes(reason))).toEqual([])
  })
})
