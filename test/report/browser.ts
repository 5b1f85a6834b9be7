import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core"
import { expect, onTestFinished, type TestContext } from "vitest"
import { findProgram } from "../e2e/servers.ts"
import { IS_FULL } from "../full.ts"

/** Debian's Chromium. Skips the test with the reason if it cannot run. */
export async function openBrowser(context: Pick<TestContext, "skip">): Promise<Browser> {
  if (!IS_FULL) return context.skip("npm run test:full opens a browser")
  const executablePath = findProgram("chromium", "chromium-browser", "google-chrome")
  if (executablePath === null)
    return context.skip("no Chromium is installed; in Debian it is in the package chromium")
  // Only root needs this option: Chromium's own sandbox does not start for root.
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : []
  const browser = await chromium.launch({ executablePath, args })
  onTestFinished(() => browser.close())
  return browser
}

export interface Watched {
  page: Page
  /** Errors and warnings of the console, and uncaught errors. */
  complaints: string[]
  /** URLs that the page requested from the network. */
  asked: string[]
}

/** A new page that records its errors and its requests. */
export async function newPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Watched> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options })
  const watched: Watched = { page, complaints: [], asked: [] }
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) watched.complaints.push(message.text())
  })
  page.on("pageerror", (error) => watched.complaints.push(String(error)))
  page.on("request", (request) => {
    if (/^(https?|wss?):/.test(request.url())) watched.asked.push(request.url())
  })
  return watched
}

/** Number of pixels of a chart's canvas that are not transparent. */
export function inked(page: Page, nth: number): Promise<number> {
  return page.evaluate(INKED.replace("NTH", String(nth)))
}

// Runs in the browser. It is a text because this program's types do not have the browser's names.
const INKED = `(() => {
  const canvas = document.querySelectorAll(".plot canvas")[NTH]
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
  let count = 0
  for (let i = 3; i < data.length; i += 4) if (data[i] > 0) count++
  return count
})()`

/** Checks that the page does not scroll sideways. */
export async function expectNoSideScroll(page: Page): Promise<void> {
  const wide = await page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
  expect((wide as number[])[0]).toBeLessThanOrEqual((wide as number[])[1] ?? 0)
}
