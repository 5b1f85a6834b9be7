import type { Report } from "../report.ts"
import { h } from "./dom.ts"

const EVERY_MS = 30_000
const MAX_WAIT_MS = 20_000

/** Fetches the newest data of a live page, and shows whether that worked. */
export class LiveStatus {
  readonly element = h("p", { class: "live", role: "status" }, "live")
  #newest = ""

  /**
   * `address` is relative to the page, so that it works behind any path of a proxy. The browser adds its own
   * login.
   */
  constructor(private readonly address: string) {}

  start(show: (report: Report) => void): void {
    const again = (): void => {
      const next = document.hidden ? Promise.resolve() : this.#read(show)
      void next.finally(() => setTimeout(again, EVERY_MS))
    }
    setTimeout(again, EVERY_MS)
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) void this.#read(show)
    })
    this.#say("live", false)
  }

  async #read(show: (report: Report) => void): Promise<void> {
    try {
      const answer = await fetch(this.address, {
        cache: "no-store",
        signal: AbortSignal.timeout(MAX_WAIT_MS),
      })
      if (!answer.ok) throw new Error(`the server responded with ${answer.status}`)
      const report = (await answer.json()) as Report
      const { generatedAt, ...content } = report
      const text = JSON.stringify(
        content.views.map(({ to, ...view }) => ({ ...view, events: view.events.length })),
      )
      if (text !== this.#newest) show(report)
      this.#newest = text
      this.#say(`live, read ${clock(generatedAt)}`, false)
    } catch (error) {
      this.#say(`the newest read failed: ${error instanceof Error ? error.message : String(error)}`, true)
    }
  }

  #say(text: string, isFailed: boolean): void {
    this.element.textContent = text
    this.element.classList.toggle("failed", isFailed)
  }
}

function clock(at: number): string {
  return new Date(at).toLocaleTimeString("en-GB")
}
