import { createHash } from "node:crypto"
import { pageText } from "./page-text.ts"
import type { Report } from "./report.ts"

/** First bytes of every report. They identify a file that may be replaced. */
export const REPORT_MARK = "<!doctype html>\n<!-- supernode-autoscaler report -->\n"

export interface ReportPage {
  html: string
  /** The page's Content-Security-Policy, which the page also contains. */
  policy: string
}

/**
 * Converts a report to one page that needs nothing else: no network, no other file. `refresh`: address of a
 * live page's newest data, relative to the page; `null` if the page never changes.
 */
export async function reportPage(
  report: Report,
  { refresh }: { refresh: string | null },
): Promise<ReportPage> {
  const { script, style } = await pageText()
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(style)}'`,
    "img-src data:",
    ...(refresh === null ? [] : ["connect-src 'self'"]),
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ")
  const live = refresh === null ? "" : ` data-refresh="${escaped(refresh)}"`
  const html = `${REPORT_MARK}<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>${escaped(report.title)}</title>
<link rel="icon" href="data:,">
<style>${style}</style>
</head>
<body>
<noscript>This report draws its charts and tables with JavaScript, which it contains. Allow it for this file.</noscript>
<main id="report"${live}></main>
<script type="application/json" id="data">${embedded(report)}</script>
<script>${script}</script>
</body>
</html>
`
  return { html, policy }
}

/** JSON that cannot end its script element, since a browser looks only for `<` in it. */
function embedded(report: Report): string {
  return JSON.stringify(report).replaceAll("<", "\\u003c")
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
