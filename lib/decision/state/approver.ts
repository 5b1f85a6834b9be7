/**
 * What tells two people apart by their names: not case, not blanks around and between, not the way a letter is composed or
 * how wide it is, no invisible signs. Names are claims; this only keeps one person from counting twice by a slip of the
 * keyboard. Empty for a name that says nothing.
 */
export function personKey(name: string): string {
  return name
    .normalize("NFKC")
    .replace(/\p{Cf}/gu, "")
    .trim()
    .replace(/\s+/gu, " ")
    .toUpperCase()
    .toLowerCase()
    .normalize("NFC")
}

/** One of each person, by the name that was said first. */
export function distinctPeople(names: readonly string[]): string[] {
  const byKey = new Map<string, string>()
  for (const name of names) {
    const key = personKey(name)
    if (key !== "" && !byKey.has(key)) byKey.set(key, name)
  }
  return [...byKey.values()]
}
