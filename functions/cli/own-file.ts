import { open, stat, writeFile } from "node:fs/promises"
import { CommandError, causeOf } from "./errors.ts"

/** A kind of file that a command writes. It may replace only an older file of the same kind. */
export interface OwnKind {
  /** Name of the kind in messages. */
  kind: "report" | "plan"
  /** Beginning of every file of this kind. */
  mark: string
}

/**
 * Throws CommandError if the file exists and is of another kind, so that a wrong name cannot destroy a policy
 * or a ledger.
 */
export async function checkOwnPath(path: string, { kind, mark }: OwnKind): Promise<void> {
  const found = await firstBytes(path, mark.length).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null
    throw new CommandError(`the ${kind} ${path} cannot be written: ${causeOf(error)}`)
  })
  if (found === null || found === "" || found === mark) return
  throw new CommandError(
    `${path} exists and is not a ${kind}. Nothing was written; give another name, or remove it`,
  )
}

/** Writes a file. Replaces only an earlier one of its kind. Throws CommandError. */
export async function writeOwnFile(
  path: string,
  { text, ...own }: OwnKind & { text: string },
): Promise<void> {
  await checkOwnPath(path, own)
  await writeFile(path, text).catch((error: unknown) => {
    throw new CommandError(`the ${own.kind} ${path} cannot be written: ${causeOf(error)}`)
  })
}

async function firstBytes(path: string, count: number): Promise<string> {
  // Opening a named pipe would wait for its other end.
  if (!(await stat(path)).isFile()) return "not a file"
  const file = await open(path, "r")
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0)
    return buffer.subarray(0, bytesRead).toString()
  } finally {
    await file.close()
  }
}
