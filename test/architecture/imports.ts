import { readdirSync, readFileSync } from "node:fs"
import { isBuiltin } from "node:module"
import { dirname, join, posix, relative, sep } from "node:path"
import { argv, exit } from "node:process"
import { fileURLToPath } from "node:url"
import { BUYER, FENCED, IMPURE, IMPURE_GLOBALS, type ImportRule, ONLY_FOR, RULES } from "./rules.ts"
import { type Token, tokensOf } from "./tokens.ts"

export interface Violation {
  /** Path relative to the root, with slashes. */
  file: string
  line: number
  says: string
}

const CHECKED_FOLDERS = ["lib", "functions"]
const SOURCE = /\.[cm]?[jt]sx?$/

/** Every violation of the import rules under `root`/lib and `root`/functions. */
export function checkTree(root: string): Violation[] {
  return CHECKED_FOLDERS.flatMap((folder) => sourcesUnder(join(root, folder))).flatMap((path) =>
    checkFile(relative(root, path).split(sep).join("/"), readFileSync(path, "utf8")),
  )
}

function sourcesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && SOURCE.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

function checkFile(file: string, source: string): Violation[] {
  const rule = ruleOf(file)
  if (!rule)
    return [{ file, line: 1, says: "no rule names this file: give it a row in test/architecture/rules.ts" }]
  const tokens = tokensOf(source)
  const imports = importsOf(tokens).flatMap(({ specifier, line }) => {
    const says = objection({ file, rule, specifier })
    return says === null ? [] : [{ file, line, says }]
  })
  return [...imports, ...buyings(file, tokens), ...(rule.pure ? impurities(file, tokens) : [])]
}

function ruleOf(file: string): ImportRule | undefined {
  return RULES.filter(({ files }) => covers(files, file)).sort((a, b) => b.files.length - a.files.length)[0]
}

function covers(place: string, file: string): boolean {
  return place.endsWith("/") ? `${file}/`.startsWith(place) : place === file
}

/** The reason why this file may not import that module, or `null` if it may. */
function objection({
  file,
  rule,
  specifier,
}: {
  file: string
  rule: ImportRule
  specifier: string | null
}): string | null {
  if (specifier === null) return rule.mayCompute ? null : "may not import what only run time knows"
  if (specifier.startsWith(".")) {
    const target = posix.join(dirname(file), specifier).replace(/\.([cm]?)js(x?)$/, ".$1ts$2")
    const only = ONLY_FOR[target]
    if (only !== undefined && only !== file) return `may not import ${target}: only ${only} does`
    return [rule.files, ...rule.ours].some((place) => covers(place, target))
      ? null
      : `may not import ${target}`
  }
  if (isBuiltin(specifier)) return rule.builtins ? null : `may not import the built-in ${specifier}`
  if (/^[#/]|^[a-z]+:/i.test(specifier)) return `may not import by ${specifier}: say where it is, relatively`
  const fence = FENCED.find(({ packages }) => packages.test(specifier))
  if (fence && !covers(fence.only, file)) return `may not import ${specifier}: that stays in ${fence.only}`
  const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/")
  return rule.packages === "any" || rule.packages.includes(name) ? null : `may not import ${specifier}`
}

/**
 * All modules that a source imports: import, export … from, import(), require(). `null` if the name is not a
 * plain text.
 */
function importsOf(tokens: Token[]): { specifier: string | null; line: number }[] {
  return tokens.flatMap((token, i) => {
    if (token.kind !== "word") return []
    const [next, afterNext, closing] = tokens.slice(i + 1, i + 4)
    if ((token.text === "from" || token.text === "import") && next?.kind === "string") {
      return [{ specifier: next.text, line: token.line }]
    }
    const calls = token.text === "import" || token.text === "require"
    if (!calls || !isSign(next, "(") || isDeclared(tokens, i)) return []
    const isPlain = afterNext?.kind === "string" && (isSign(closing, ")") || isSign(closing, ","))
    return [{ specifier: isPlain ? afterNext.text : null, line: token.line }]
  })
}

/** True for `function require(`, which declares a function and does not call one. */
function isDeclared(tokens: Token[], i: number): boolean {
  return tokens[i - 1]?.text === "function"
}

/**
 * The one call that spends has one caller. No other file names `cloud.buy`, and no other file of lib/run/
 * names even `buy`.
 */
function buyings(file: string, tokens: Token[]): Violation[] {
  if (file === BUYER.file) return []
  return tokens.flatMap((token, i) => {
    if (token.text !== "buy") return []
    const isNamed = isSign(tokens[i - 1], ".") && tokens[i - 2]?.text === "cloud"
    const isTakenApart = isSign(tokens[i - 1], "[") && tokens[i - 2]?.text === "cloud"
    if (!isNamed && !isTakenApart && !covers(BUYER.folder, file)) return []
    return [{ file, line: token.line, says: `buy: only ${BUYER.file} may name it` }]
  })
}

function impurities(file: string, tokens: Token[]): Violation[] {
  return tokens.flatMap((token, i) => {
    const found = IMPURE.find((pattern) => pattern.tokens.every((text, k) => fits(tokens[i + k], text)))
    if (found) return [{ file, line: token.line, says: found.says }]
    if (token.kind !== "word" || !IMPURE_GLOBALS.includes(token.text) || !isGlobal(tokens, i)) return []
    return [{ file, line: token.line, says: `${token.text} is the outside world` }]
  })
}

/**
 * False for a member (`x.process`) and for a key (`process: 1`). In `a ? process : b` it is a global, not a
 * key.
 */
function isGlobal(tokens: Token[], i: number): boolean {
  if (isSign(tokens[i - 1], ".")) return false
  const isKey = isSign(tokens[i + 1], ":") || (isSign(tokens[i + 1], "?") && isSign(tokens[i + 2], ":"))
  return !isKey || isSign(tokens[i - 1], "?")
}

function fits(token: Token | undefined, text: string): boolean {
  if (token?.kind === "string") return false
  return text.length > 1 && text.startsWith("!") ? token?.text !== text.slice(1) : token?.text === text
}

function isSign(token: Token | undefined, sign: string): boolean {
  return token?.kind === "punctuation" && token.text === sign
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const root = argv[2] ?? fileURLToPath(new URL("../..", import.meta.url))
  const violations = checkTree(root)
  for (const { file, line, says } of violations) console.error(`${file}:${line}: ${says}`)
  console.error(violations.length === 0 ? "imports: clean" : `imports: ${violations.length} violations`)
  exit(violations.length === 0 ? 0 : 1)
}
