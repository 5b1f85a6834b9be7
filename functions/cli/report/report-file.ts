import { open, stat, writeFile } from "node:fs/promises"
import { CommandError, causeOf } from "../errors.ts"
import { REPORT_MARK } from "./html.ts"

/** Throws CommandError where the file exists and is no report: a wrong name must not cost a policy or a ledger. */
export async function checkReportPath(path: string): Promise<void> {
  const found = await firstBytes(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null
    throw new CommandError(`the report ${path} cannot be written: ${causeOf(error)}`)
  })
  if (found === null || found === "" || found === REPORT_MARK) return
  throw new CommandError(
    `${path} exists and is not a report. Nothing was written; give another name, or remove it`,
  )
}

/** Writes a report, over an earlier one of that name. Throws CommandError. */
export async function writeReport(path: string, html: string): Promise<void> {
  await checkReportPath(path)
  await writeFile(path, html).catch((error: unknown) => {
    throw new CommandError(`the report ${path} cannot be written: ${causeOf(error)}`)
  })
}

async function firstBytes(path: string): Promise<string> {
  // Opening a pipe would wait for its other end.
  if (!(await stat(path)).isFile()) return "not a file"
  const file = await open(path, "r")
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(REPORT_MARK.length), 0)
    return buffer.subarray(0, bytesRead).toString()
  } finally {
    await file.close()
  }
}
