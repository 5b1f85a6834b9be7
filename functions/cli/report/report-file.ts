import { checkOwnPath, type OwnKind, writeOwnFile } from "../own-file.ts"
import { REPORT_MARK } from "./html.ts"

const REPORT: OwnKind = { kind: "report", mark: REPORT_MARK }

/** Throws CommandError where the file exists and is no report. */
export function checkReportPath(path: string): Promise<void> {
  return checkOwnPath(path, REPORT)
}

/** Writes a report, over an earlier one of that name. Throws CommandError. */
export function writeReport(path: string, html: string): Promise<void> {
  return writeOwnFile(path, { ...REPORT, text: html })
}
