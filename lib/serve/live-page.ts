import type { Reply } from "./listener.ts"

/** The page for people. Both read the ledger, and reject with LedgerError where they cannot. */
export interface LivePage {
  /** A page that reads `report.json` beside it, and the Content-Security-Policy it needs. */
  page(): Promise<{ html: string; policy: string }>
  /** The same data as JSON. */
  data(): Promise<unknown>
}

/** Paths of the page and of its data. */
export const PAGE_PATHS = ["/", "/report.json"] as const
export type PagePath = (typeof PAGE_PATHS)[number]

/** Headers for both: nothing of another origin may frame, embed or keep it. */
const PRIVATE = {
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "x-frame-options": "DENY",
}

export async function livePageReply(live: LivePage, path: PagePath): Promise<Reply> {
  if (path === "/report.json") return { status: 200, body: await live.data(), headers: PRIVATE }
  const { html, policy } = await live.page()
  const headers = { ...PRIVATE, "content-security-policy": `${policy}; frame-ancestors 'none'` }
  return { status: 200, body: html, textType: "text/html; charset=utf-8", headers }
}
