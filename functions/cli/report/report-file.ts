import { checkOwnPath, type OwnKind, writeOwnFile } from "../own-file.ts"
import { REPORT_MARK } from "./html.ts"

const REPORT: OwnKind = { kind: "report", mark: REPORT_MARK }

/** Throws CommandError if the file exists and is not a report. */
export function checkReportPath(path: string): Promise<void> {
  return checkOwnPath(path, REPORT)
}

/** Writes a report. Replaces only an earlier report. Throws CommandError. */
export function writeReport(path: string, html: string): Promise<void> {
  return writeOwnFile(path, { ...REPORT, text: html })
}
