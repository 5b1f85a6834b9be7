import { visible } from "../../../lib/decision/inputs/foreign-text.ts"
import type { Sink } from "../io.ts"

export interface Progress {
  show(done: number, all: number): void
  /** Removes the bar. */
  clear(): void
}

const BAR_CHARS = 30
const BACK_TO_START = "\r\u001b[K"

/** Shows a bar on a terminal; shows nothing elsewhere. */
export function progressOn(sink: Sink, name: string): Progress {
  if (!sink.isTerminal) return { show: () => {}, clear: () => {} }
  let shown = -1
  return {
    show(done, all) {
      const percent = all === 0 ? 100 : Math.floor((done / all) * 100)
      if (percent === shown) return
      shown = percent
      const filled = Math.round((percent / 100) * BAR_CHARS)
      const bar = "█".repeat(filled) + "░".repeat(BAR_CHARS - filled)
      sink.write(`${BACK_TO_START}${bar} ${String(percent).padStart(3)} %  ${visible(name)}`)
    },
    clear: () => {
      sink.write(BACK_TO_START)
    },
  }
}
