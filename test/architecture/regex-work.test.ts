import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { CRON_TEXT } from "../../lib/decision/policy/cron.ts"
import { ROUTES } from "../../lib/sandbox/api/route.ts"
import { counted } from "./regex-work.ts"
import { type Token, tokensOf } from "./tokens.ts"

const ROOT = fileURLToPath(new URL("../..", import.meta.url))
/** Longer than any text of an event, in characters. */
const WHOLE = 200_000
/**
 * Short enough to count its steps. Long enough that a step for each pair of characters far exceeds the bound.
 */
const SAMPLE = 4_000
const STEPS_PER_CHARACTER = 40

const SOURCES: readonly [file: string, tokens: Token[]][] = ["lib", "functions"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .sort()
    .filter((file) => file.endsWith(".ts"))
    .map((file): [string, Token[]] => [
      `${folder}/${file}`,
      tokensOf(readFileSync(join(ROOT, folder, file), "utf8")),
    ]),
)

/** Every expression of lib/ and functions/, with the first place where it occurs. */
function expressions(): [literal: string, place: string][] {
  const found = new Map<string, string>()
  for (const [file, tokens] of SOURCES)
    for (const { kind, text, line } of tokens)
      if (kind === "regex" && !found.has(text)) found.set(text, `${file}:${line}`)
  for (const [file, list] of Object.entries(CONSTRUCTED))
    for (const expression of list) found.set(String(expression), file)
  return [...found]
}

/** Expressions that are built at run time, as literals. */
const CONSTRUCTED: Readonly<Record<string, readonly RegExp[]>> = {
  "lib/decision/policy/cron.ts": [CRON_TEXT],
  "lib/sandbox/api/route.ts": ROUTES.map(({ path }) => path),
}

/** Files that build an expression from a text. */
function constructors(): string[] {
  return SOURCES.flatMap(([file, tokens]) =>
    tokens.some(({ kind, text }, i) => kind === "word" && text === "RegExp" && tokens[i + 1]?.text === "(")
      ? [file]
      : [],
  )
}

/** The beginning of the first worst text that needs more steps than the bound, or `null` if none does. */
function superLinearText(literal: string): string | null {
  const { steps, worstTexts } = counted(literal)
  const limit = SAMPLE * STEPS_PER_CHARACTER
  return (
    worstTexts(SAMPLE)
      .find((text) => steps(text, limit) > limit)
      ?.slice(0, 60) ?? null
  )
}

function constructed(literal: string): RegExp {
  const end = literal.lastIndexOf("/")
  return new RegExp(literal.slice(1, end), literal.slice(end + 1))
}

describe("a regular expression of ours", () => {
  it("every regular expression takes a bounded number of steps per character, also for 200 KB of text", () => {
    const found = expressions()
    expect(found.length).toBeGreaterThan(80)
    const superLinear = found.flatMap(([literal, place]) => {
      const text = superLinearText(literal)
      return text === null ? [] : [`${place}: ${literal} on ${JSON.stringify(text)}`]
    })
    expect(superLinear).toEqual([])
    for (const [literal] of found)
      for (const worst of counted(literal).worstTexts(WHOLE, 2)) constructed(literal).exec(worst)
  })

  it("every regular expression is a literal, or is listed as an expression that is built at run time", () => {
    expect(constructors()).toEqual(Object.keys(CONSTRUCTED))
  })

  it.each([
    ["/^\\s*([+-]?\\d+(?:\\.\\d+)?)\\s*%?\\s*$/"],
    ["/\\/+$/"],
    ["/^(a+)+$/"],
    ["/^Bearer +(.+)$/"],
    ["/^[+-]?(\\d+\\.?\\d*|\\.\\d+)$/"],
    ["/\\s*[\\r\\n]+\\s*/g"],
    ["/\\{[^}]*\\}/g"],
  ])("a super-linear regular expression is found: %s", (literal) => {
    expect(superLinearText(literal)).not.toBeNull()
  })

  it.each([
    ["/^[a-z]+$/", "abc", 12],
    ["/b/", "aab", 4],
  ])("the steps of a regular expression are counted: %s on %s", (literal, text, most) => {
    const steps = counted(literal).steps(text, 1_000)
    expect(steps).toBeGreaterThanOrEqual(text.length)
    expect(steps).toBeLessThanOrEqual(most)
  })
})
