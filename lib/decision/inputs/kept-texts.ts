/** Instants whose texts are kept. */
const MAX_TEXTS = 64

/** `make`, which keeps its newest texts: the sentences of each decision name the same few instants as the one before. */
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
