import type { Reply } from "./listener.ts"

/** The report page. Both methods read the ledger, and reject with LedgerError if they cannot. */
export interface LivePage {
  /** The page, which fetches `report.json` from the same folder, and its Content-Security-Policy. */
  page(): Promise<{ html: string; policy: string }>
  /** The same data as JSON. */
  data(): Promise<unknown>
}

/** Paths of the page and of its data. */
export const PAGE_PATHS = ["/", "/report.json"] as const
export type PagePath = (typeof PAGE_PATHS)[number]

/** Headers of the page and its data: other origins may not frame or embed them. */
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
