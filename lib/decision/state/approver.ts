/** White space, and the Braille blank: it looks like a space, but `\s` does not match it. */
const BLANKS = /[\s\u2800]+/gu

/**
 * Key that distinguishes two people by their names. It ignores case, blanks around and between, composition and
 * width of letters, and invisible characters. Names are claims; this only prevents that one person counts
 * twice by a typing difference. Empty for a name without letters.
 */
export function personKey(name: string): string {
  return name
    .normalize("NFKC")
    .replace(/[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu, "")
    .replace(BLANKS, " ")
    .trim()
    .toUpperCase()
    .toLowerCase()
    .normalize("NFC")
}

/** Letters and digits that many fonts draw alike: Cyrillic and Greek ones, and 0 1 I l. */
const DRAWN_ALIKE: readonly (readonly [string, string])[] = [
  ["а", "a"],
  ["α", "a"],
  ["в", "b"],
  ["β", "b"],
  ["с", "c"],
  ["ϲ", "c"],
  ["ԁ", "d"],
  ["е", "e"],
  ["ε", "e"],
  ["һ", "h"],
  ["н", "h"],
  ["η", "n"],
  ["і", "l"],
  ["ї", "l"],
  ["ı", "l"],
  ["ι", "l"],
  ["i", "l"],
  ["1", "l"],
  ["ӏ", "l"],
  ["|", "l"],
  ["ј", "j"],
  ["к", "k"],
  ["κ", "k"],
  ["м", "m"],
  ["μ", "u"],
  ["о", "o"],
  ["ο", "o"],
  ["σ", "o"],
  ["օ", "o"],
  ["0", "o"],
  ["р", "p"],
  ["ρ", "p"],
  ["ԛ", "q"],
  ["ѕ", "s"],
  ["т", "t"],
  ["τ", "t"],
  ["υ", "u"],
  ["ν", "v"],
  ["ѵ", "v"],
  ["ԝ", "w"],
  ["ω", "w"],
  ["х", "x"],
  ["χ", "x"],
  ["у", "y"],
  ["γ", "y"],
  ["ζ", "z"],
  ["ɑ", "a"],
  ["ɡ", "g"],
]

const DRAWN_AS = new Map(DRAWN_ALIKE)

/** Equal for names that a reader may confuse. Names with an equal `personKey` are equal here, too. */
export function lookalikeKey(name: string): string {
  const letters = [...personKey(name)].map((letter) => DRAWN_AS.get(letter) ?? letter)
  return letters.join("").replaceAll("rn", "m").replaceAll("vv", "w")
}

/** One name of each person, the first that was given. */
export function distinctPeople(names: readonly string[]): string[] {
  const byKey = new Map<string, string>()
  for (const name of names) {
    const key = personKey(name)
    if (key !== "" && !byKey.has(key)) byKey.set(key, name)
  }
  return [...byKey.values()]
}
