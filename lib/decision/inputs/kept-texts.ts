/** Maximum number of instants whose texts are kept. */
const MAX_TEXTS = 64

/** `make` with a cache of its newest texts: consecutive decisions name the same few instants in their sentences. */
export function keptTexts(make: (at: number) => string): (at: number) => string {
  const texts = new Map<number, string>()
  return (at) => {
    const known = texts.get(at)
    if (known !== undefined) return known
    const text = make(at)
    if (texts.size >= MAX_TEXTS) texts.clear()
    texts.set(at, text)
    return text
  }
}
