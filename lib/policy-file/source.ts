import { isAbsolute, resolve } from "node:path"
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from "yaml"
import { digestText } from "../digest.ts"
import { causeOf } from "./file-cause.ts"
import { readFile, stat } from "./files.ts"
import { PolicyError, type PolicyProblem, sortedProblems } from "./problem.ts"
import { type ParsedText, yamlProblems } from "./yaml-problems.ts"

const MAX_BYTES = 1_000_000
const MAX_ALIASES = 20

/** One parsed file of a policy: its values, and the position of each. */
export interface Source extends ParsedText {
  value: unknown
  /** Length and digest of the file as it was read. */
  bytes: number
  sha256: string
  /** YAML problems of a file whose values can still be checked, such as duplicate keys. */
  problems: PolicyProblem[]
}

/**
 * Reads and parses one file; `given` is its content if it was already read. Throws PolicyError if there are
 * no values to check: no file, too large, not UTF-8, or not a YAML mapping.
 */
export async function readSource(file: string, given?: Uint8Array): Promise<Source> {
  if (given && given.length > MAX_BYTES) fail(file, `must be at most 1 MB, not ${given.length} bytes`)
  const content = given ?? (await bytesOf(file))
  const parsed = parseSource(file, decoded(file, content))
  return { ...parsed, bytes: content.byteLength, sha256: digestText(content) }
}

async function bytesOf(file: string): Promise<Uint8Array> {
  const where = isAbsolute(file) ? "" : ` at ${resolve(file)}`
  const unreadable = (error: unknown) => fail(file, `cannot be read: ${causeOf(error)}${where}`)
  const info = await stat(file).catch(unreadable)
  if (!info.isFile())
    fail(file, `must be a file, not a ${info.isDirectory() ? "directory" : "device or pipe"}`)
  if (info.size > MAX_BYTES) fail(file, `must be at most 1 MB, not ${info.size} bytes`)
  return readFile(file).catch(unreadable)
}

function decoded(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    return fail(file, "must be UTF-8 text")
  }
}

function fail(file: string, message: string): never {
  throw new PolicyError([{ file, line: 1, column: 1, path: "", message }])
}

// Tags such as !!binary and !!timestamp stay unresolved, which is an error: a policy is text and numbers.
const PARSING = { prettyErrors: false, resolveKnownTags: false, uniqueKeys: false }

function parseSource(file: string, text: string): Omit<Source, "bytes" | "sha256"> {
  const lines = new LineCounter()
  const document = parseDocument(text, { ...PARSING, lineCounter: lines })
  const { problems, fatal } = yamlProblems({ file, document, lines })
  if (fatal) throw new PolicyError(sortedProblems(problems, file))
  if (!isMap(document.contents)) {
    const seen =
      document.contents === null || isEmpty(document.contents) ? "empty" : kindOf(document.contents)
    fail(file, `must be a mapping with the keys version and supernodes, not ${seen}`)
  }
  return { file, document, lines, value: contentsOf({ file, document }), problems }
}

function isEmpty(node: Node): boolean {
  return isScalar(node) && node.value === null
}

function kindOf(node: Node): string {
  return isSeq(node) ? "a list" : "a single value"
}

function contentsOf({ file, document }: Omit<ParsedText, "lines">): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES })
  } catch {
    return fail(
      file,
      `must use an anchor at most ${MAX_ALIASES} times (nested uses multiply): move common values into defaults`,
    )
  }
}
