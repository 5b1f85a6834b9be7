import {
  type Document,
  isAlias,
  isCollection,
  isMap,
  isScalar,
  type LineCounter,
  type Pair,
  type Scalar,
  visit,
} from "yaml"
import { type Path, stepInto } from "./path.ts"
import type { PolicyProblem } from "./problem.ts"

/** One parsed file, before its content is checked. */
export interface ParsedText {
  file: string
  document: Document.Parsed
  lines: LineCounter
}

export interface YamlProblems {
  problems: PolicyProblem[]
  /** True if the values cannot be built: a syntax error, or an alias without an anchor or inside its own. */
  fatal: boolean
}

/** YAML problems of a file with their positions, independent of the meaning of its keys. */
export function yamlProblems({ file, document, lines }: ParsedText): YamlProblems {
  const problems: PolicyProblem[] = []
  // Builds paths for problems only: an index lookup for each item of a long list would take quadratic time.
  const report = (offset: number, ancestors: readonly unknown[], message: string) => {
    const { line, col } = lines.linePos(offset)
    const path = ancestors.flatMap((node, i): Path => stepInto(ancestors[i - 1], node)).join(".")
    problems.push({ file, line: Math.max(line, 1), column: Math.max(col, 1), path, message })
  }
  let fatal = document.errors.length > 0
  const anchors = new Map<string, unknown>()
  visit(document, {
    Value(_, node, ancestors) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node)
      const ambiguous = isScalar(node) ? numberProblem(node) : null
      if (ambiguous !== null) report(offsetOf(node), [...ancestors, node], ambiguous)
      if (!isMap(node)) return
      for (const { pair, message } of keyProblems(node.items)) {
        report(offsetOf(pair.key), [...ancestors, node, pair], message)
      }
    },
    Alias(_, alias, ancestors) {
      const around: readonly unknown[] = ancestors
      const target = anchors.get(alias.source)
      if (target !== undefined && !around.includes(target)) return
      fatal = true
      const message =
        target === undefined
          ? `must name an anchor that is defined above: there is no &${alias.source}`
          : `must not be inside its own anchor &${alias.source}`
      report(offsetOf(alias), [...around, alias], message)
    },
  })
  for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
    const says = yamlSentence(code, message)
    // Reported once: the parser may overflow the stack several times while unwinding, at random positions.
    if (says === TOO_DEEP && problems.some((problem) => problem.message === TOO_DEEP)) continue
    report(pos[0], [], says)
  }
  if (document.directives.yaml.version !== "1.2") {
    report(0, [], "must be YAML 1.2: remove the %YAML directive")
  }
  return { problems, fatal }
}

function offsetOf(node: unknown): number {
  return isScalar(node) || isAlias(node) || isCollection(node) ? (node.range?.[0] ?? 0) : 0
}

/**
 * Problems of a map's keys. Finds duplicates itself: `yaml` compares every key with every other, which takes
 * minutes on a long file.
 */
function keyProblems(pairs: readonly Pair[]): { pair: Pair; message: string }[] {
  const seen = new Set<string>()
  return pairs.flatMap((pair) => {
    const { key } = pair
    if (!isScalar(key) || typeof key.value !== "string") {
      return [{ pair, message: "must have text as its key; put numbers in quotes" }]
    }
    const isRepeated = seen.has(key.value)
    seen.add(key.value)
    if (isRepeated) return [{ pair, message: "must be written once: the same key is already used above" }]
    if (key.value === "<<") {
      return [{ pair, message: "must not be used: << is not merged; move common values into defaults" }]
    }
    return key.value === "__proto__" ? [{ pair, message: "must not be used as a key" }] : []
  })
}

/**
 * Problem of a number as it is written; `null` if there is none. Refuses numbers that YAML readers read
 * differently or cannot hold exactly.
 */
function numberProblem({ value, source, type }: Scalar): string | null {
  if (typeof value !== "number" || type !== "PLAIN" || source === undefined) return null
  if (/^[-+]?0[0-9]/.test(source)) {
    const isExact = Number.isSafeInteger(value) || source.includes(".")
    const way = isExact ? `Write ${value}, or put it in quotes if it is text` : "Put it in quotes"
    return `must not begin with 0: YAML 1.1 reads ${source} as octal. ${way}`
  }
  if (/^[-+]?0[xo]/i.test(source)) return `must be written in decimal digits: ${value}`
  if (significant(source) === significant(String(value))) return null
  return `must have fewer digits: it would be read as ${value}`
}

/** Significant digits of a decimal number, without its sign, point and exponent. */
function significant(decimal: string): string {
  const [mantissa = ""] = decimal.toLowerCase().split("e", 1)
  const digits = [...mantissa].filter((sign) => sign >= "0" && sign <= "9")
  const first = digits.findIndex((digit) => digit !== "0")
  const last = digits.findLastIndex((digit) => digit !== "0")
  return first < 0 ? "" : digits.slice(first, last + 1).join("")
}

const TOO_DEEP = "must not be nested so deeply"

/** The parser's own message without quoted text: a quoted part of the file could be a secret. */
function yamlSentence(code: string, message: string): string {
  if (code === "MULTIPLE_DOCS") return "must be one YAML document: remove everything after ---"
  if (code === "TAG_RESOLVE_FAILED") {
    return "must have no tag such as !name: only text, numbers, true and false"
  }
  if (message.includes("call stack")) return TOO_DEEP
  return `is not valid YAML: ${message.split(/[:"]/)[0]?.trim()}`
}
