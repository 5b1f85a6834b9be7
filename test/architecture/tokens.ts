// Enough of a TypeScript lexer to tell code from comments, strings and regular expressions. A search by
// pattern would miss `from"x"` and find code in comments. The installed compiler has no JavaScript API.

export interface Token {
  kind: "word" | "punctuation" | "string" | "regex" | "other"
  /**
   * Content of a string, or the word, sign or expression itself. `other` is a number, or a part of a template
   * with holes.
   */
  text: string
  line: number
}

const SPACE = /\s+/y
const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/y
const STRING = /"(?:[^"\\\n]|\\[\s\S])*"?|'(?:[^'\\\n]|\\[\s\S])*'?/y
const WORD = /[\p{ID_Start}$_#@][\p{ID_Continue}$\u200c\u200d]*/uy
const NUMBER = /\d[\w.]*/y
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y
const TEMPLATE_PART = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/y

/** After these words a slash begins a regular expression. After other words it divides. */
const WORDS_BEFORE_REGEX = new Set([
  "return",
  "typeof",
  "case",
  "in",
  "of",
  "delete",
  "void",
  "throw",
  "new",
  "else",
  "do",
  "await",
  "yield",
])

/**
 * All tokens of a source text, without comments. Throws SyntaxError for a template without an end, so that no
 * token is missed.
 */
export function tokensOf(source: string): Token[] {
  return new Lexer(source).run()
}

class Lexer {
  readonly #source: string
  readonly #tokens: Token[] = []
  /** For each open brace: true if its closing brace leads back into a template. */
  readonly #braces: boolean[] = []
  #at = 0
  #line = 1

  constructor(source: string) {
    this.#source = source
  }

  run(): Token[] {
    while (this.#at < this.#source.length) this.#step()
    return this.#tokens
  }

  #step(): void {
    if (this.#take(SPACE) !== null || this.#take(COMMENT) !== null) return
    const string = this.#take(STRING)
    const word = string === null ? this.#take(WORD) : null
    const regex = string === null && word === null && this.#slashBeginsRegex() ? this.#take(REGEX) : null
    const other = string ?? word ?? regex ?? this.#take(NUMBER)
    if (string !== null) this.#push("string", unescaped(string.slice(1, -1)))
    else if (word !== null) this.#push("word", word)
    else if (regex !== null) this.#push("regex", regex)
    else if (other !== null) this.#push("other", other)
    else this.#sign()
  }

  #sign(): void {
    const sign = this.#source.startsWith("?.", this.#at) ? "?." : (this.#source[this.#at] ?? "")
    this.#at += sign.length
    if (sign === "{") this.#braces.push(false)
    const endsHole = sign === "}" && this.#braces.pop() === true
    if (endsHole || sign === "`") this.#template(!endsHole)
    // Optional chaining reaches the same member.
    else this.#push("punctuation", sign === "?." ? "." : sign)
  }

  /** Reads from after a backtick, or after the brace that closes a hole, to the next hole or the end. */
  #template(opens: boolean): void {
    const text = this.#take(TEMPLATE_PART) ?? ""
    const hasHole = this.#source.startsWith("${", this.#at)
    if (hasHole) this.#braces.push(true)
    else if (this.#at >= this.#source.length) {
      throw new SyntaxError(`line ${this.#line}: a template without an end`)
    }
    this.#at += hasHole ? 2 : 1
    this.#push(opens && !hasHole ? "string" : "other", unescaped(text))
  }

  #slashBeginsRegex(): boolean {
    const before = this.#tokens.at(-1)
    if (before === undefined) return true
    if (before.kind === "word") return WORDS_BEFORE_REGEX.has(before.text)
    return before.kind === "punctuation" && !")]}".includes(before.text)
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at
    const text = pattern.exec(this.#source)?.[0]
    if (text === undefined || text === "") return null
    this.#at += text.length
    this.#line += text.split("\n").length - 1
    return text
  }

  #push(kind: Token["kind"], text: string): void {
    this.#tokens.push({ kind, text, line: this.#line })
  }
}

/** `"\u002e./x"` names the same module as `"../x"`. */
function unescaped(text: string): string {
  return text
    .replace(/\\u\{([0-9a-f]+)\}|\\u([0-9a-f]{4})|\\x([0-9a-f]{2})/gi, (_all, a, b, c) =>
      String.fromCodePoint(Number.parseInt(a ?? b ?? c, 16)),
    )
    .replace(/\\(.)/gs, "$1")
}
