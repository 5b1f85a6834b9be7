// Counts the work of a backtracking regular expression: V8 does not report its steps, and time says nothing
// on a busy machine. The expression is compiled for a small backtracking machine of the same strategy
// (leftmost, greedy first). Each instruction that it runs is one step. It supports only the syntax of our
// sources; anything else throws.

type Node =
  | { kind: "char"; test: RegExp; source: string }
  | { kind: "start" | "end" }
  | { kind: "seq"; parts: Node[] }
  | { kind: "any"; of: Node[] }
  | { kind: "repeat"; node: Node; min: number; max: number }
  | { kind: "not"; node: Node }

type Op =
  | { op: "char"; test: RegExp }
  | { op: "start" | "end" | "match" }
  | { op: "split"; first: number; second: number }
  | { op: "jump"; to: number }
  | { op: "not"; program: Op[] }

/** Bounded repeats are unrolled up to this count. Above it they count as unbounded, which only adds steps. */
const MAX_UNROLLED = 4_096

export interface Counted {
  /** Steps of all searches that one `replace` (flag g) or one `exec` needs. Never more than `limit` + 1. */
  steps(text: string, limit: number): number
  /**
   * Texts that are probably the worst: each part repeated after what leads to it, and before what cannot
   * follow.
   */
  worstTexts(length: number, most?: number): string[]
}

/**
 * Counts the steps of a regular expression. `literal` is the expression as written, with slashes and flags.
 */
export function counted(literal: string): Counted {
  const end = literal.lastIndexOf("/")
  const [source, flags] = [literal.slice(1, end), literal.slice(end + 1)]
  const root = new Parser(source, flags).parse()
  const program = compile(root)
  return {
    steps: (text, limit) => search(program, text, { limit, isGlobal: flags.includes("g") }),
    worstTexts: (length, most) => worstTexts(root, length, most),
  }
}

class Parser {
  readonly #source: string
  readonly #flags: string
  #at = 0

  constructor(source: string, flags: string) {
    this.#source = source
    this.#flags = flags.replace(/[gy]/g, "")
  }

  parse(): Node {
    const node = this.#alternatives()
    if (this.#at < this.#source.length)
      throw new SyntaxError(`${this.#source}: not understood at ${this.#at}`)
    return node
  }

  #alternatives(): Node {
    const of = [this.#sequence()]
    while (this.#eat("|")) of.push(this.#sequence())
    return of.length === 1 && of[0] ? of[0] : { kind: "any", of }
  }

  #sequence(): Node {
    const parts: Node[] = []
    while (this.#at < this.#source.length && !"|)".includes(this.#source[this.#at] ?? ""))
      parts.push(this.#repeated())
    return { kind: "seq", parts }
  }

  #repeated(): Node {
    const node = this.#atom()
    const [all, star, from, upTo, to] =
      /^(?:([*+?])|\{(\d+)(,(\d*))?\})\??/.exec(this.#source.slice(this.#at)) ?? []
    if (all === undefined) return node
    this.#at += all.length
    if (star !== undefined)
      return { kind: "repeat", node, min: star === "+" ? 1 : 0, max: star === "?" ? 1 : Infinity }
    const max = upTo === undefined ? Number(from) : to === "" ? Infinity : Number(to)
    return { kind: "repeat", node, min: Number(from), max }
  }

  #atom(): Node {
    if (this.#eat("^")) return { kind: "start" }
    if (this.#eat("$")) return { kind: "end" }
    if (this.#eat("(?!")) return { kind: "not", node: this.#inParentheses() }
    if (this.#eat("(?:") || this.#eat("(")) return this.#inParentheses()
    const [source] =
      /^(?:\[(?:[^\]\\]|\\[\s\S])*\]|\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|\\p\{\w+\}|\\[\s\S]|[\s\S])/i.exec(
        this.#source.slice(this.#at),
      ) ?? [""]
    this.#at += source.length
    return { kind: "char", source, test: new RegExp(`^(?:${source})$`, this.#flags) }
  }

  #inParentheses(): Node {
    const node = this.#alternatives()
    if (!this.#eat(")")) throw new SyntaxError(`${this.#source}: a parenthesis without an end`)
    return node
  }

  #eat(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }
}

function compile(root: Node): Op[] {
  const program: Op[] = []
  const emit = (node: Node): void => {
    switch (node.kind) {
      case "char":
        program.push({ op: "char", test: node.test })
        return
      case "start":
      case "end":
        program.push({ op: node.kind })
        return
      case "seq":
        for (const part of node.parts) emit(part)
        return
      case "not":
        program.push({ op: "not", program: compile(node.node) })
        return
      case "any": {
        const ends: { op: "jump"; to: number }[] = []
        for (const [i, one] of node.of.entries()) {
          if (i === node.of.length - 1) emit(one)
          else {
            const split = { op: "split" as const, first: program.length + 1, second: 0 }
            program.push(split)
            emit(one)
            const jump = { op: "jump" as const, to: 0 }
            ends.push(jump)
            program.push(jump)
            split.second = program.length
          }
        }
        for (const jump of ends) jump.to = program.length
        return
      }
      case "repeat":
        emitRepeat(node)
        return
      default:
        node satisfies never
    }
  }
  const emitRepeat = ({ node, min, max }: Extract<Node, { kind: "repeat" }>): void => {
    const isBounded = max <= MAX_UNROLLED
    for (let i = 0; i < min; i++) emit(node)
    const splits: { op: "split"; first: number; second: number }[] = []
    for (let i = min; i < (isBounded ? max : min + 1); i++) {
      const split = { op: "split" as const, first: program.length + 1, second: 0 }
      const begin = program.length
      program.push(split)
      splits.push(split)
      emit(node)
      if (!isBounded) program.push({ op: "jump", to: begin })
    }
    for (const split of splits) split.second = program.length
  }
  emit(root)
  program.push({ op: "match" })
  return program
}

interface Bounds {
  limit: number
  isGlobal: boolean
}

function search(program: Op[], text: string, { limit, isGlobal }: Bounds): number {
  let steps = 0
  let from = 0
  while (from <= text.length && steps <= limit) {
    const run = tryAt(program, text, { from, limit: limit - steps })
    steps += run.steps
    if (run.end !== null && !isGlobal) break
    from = run.end !== null && run.end > from ? run.end : from + 1
    // V8 tries an expression that begins with ^ once.
    if (program[0]?.op === "start") break
  }
  return steps
}

function tryAt(
  program: Op[],
  text: string,
  { from, limit }: { from: number; limit: number },
): { steps: number; end: number | null } {
  const waiting: [pc: number, at: number][] = [[0, from]]
  let steps = 0
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    let [pc, at] = next
    for (;;) {
      steps += 1
      if (steps > limit) return { steps, end: null }
      const op = program[pc]
      if (op === undefined) break
      if (op.op === "match") return { steps, end: at }
      if (op.op === "char") {
        const char = text[at]
        if (char === undefined || !op.test.test(char)) break
        at += 1
        pc += 1
      } else if (op.op === "split") {
        waiting.push([op.second, at])
        pc = op.first
      } else if (op.op === "jump") pc = op.to
      else if (op.op === "not") {
        const inner = tryAt(op.program, text, { from: at, limit: limit - steps })
        steps += inner.steps
        if (inner.end !== null) break
        pc += 1
      } else if ((op.op === "start" && at === 0) || (op.op === "end" && at === text.length)) pc += 1
      else break
    }
  }
  return { steps, end: null }
}

/** A short text that the node matches. */
function example(node: Node): string {
  switch (node.kind) {
    case "char":
      return examplesOf(node)[0] ?? ""
    case "seq":
      return node.parts.map(example).join("")
    case "any":
      return node.of[0] ? example(node.of[0]) : ""
    case "repeat":
      return example(node.node).repeat(Math.min(node.min, 64))
    case "start":
    case "end":
    case "not":
      return ""
    default:
      return node satisfies never
  }
}

const ASCII = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i))
const CANDIDATES = [
  ..."a0A 1x/.:-_=,;|{}[]()<>\"'\\#?&%+*@~",
  "\n",
  "\t",
  "\u0000",
  "\u00ad",
  "\u200b",
  "\u00e9",
  ...ASCII,
]

function examplesOf({ test }: Extract<Node, { kind: "char" }>): string[] {
  return CANDIDATES.filter((char) => test.test(char)).slice(0, 3)
}

/** Every part that may repeat without end, with an example of all that precedes it. */
function loopsIn(node: Node, before: string): { before: string; bodies: string[] }[] {
  switch (node.kind) {
    case "seq": {
      let lead = before
      return node.parts.flatMap((part) => {
        const found = loopsIn(part, lead)
        lead += example(part)
        return found
      })
    }
    case "any":
      return node.of.flatMap((one) => loopsIn(one, before))
    case "repeat": {
      const own = node.max > MAX_UNROLLED || node.max > 16 ? [{ before, bodies: bodiesOf(node.node) }] : []
      return [...own, ...loopsIn(node.node, before)]
    }
    case "char":
    case "start":
    case "end":
    case "not":
      return []
    default:
      return node satisfies never
  }
}

function bodiesOf(node: Node): string[] {
  if (node.kind === "char") return examplesOf(node)
  return [example(node)].filter((text) => text !== "")
}

function worstTexts(root: Node, length: number, most = Number.POSITIVE_INFINITY): string[] {
  const whole = example(root) || "a"
  const loops = [{ before: "", bodies: [whole, ...new Set(whole)] }, ...loopsIn(root, "")]
  const ends = ["", "\n", "\u0000", "!x", " "]
  const parts = loops.flatMap(({ before, bodies }) =>
    bodies.flatMap((body) => ends.map((end) => ({ before, body, end }))),
  )
  const texts = parts
    .slice(-most)
    .map(
      ({ before, body, end }) =>
        `${before}${body.repeat(Math.ceil(length / body.length)).slice(0, length)}${end}`,
    )
  return [...new Set(texts)]
}
