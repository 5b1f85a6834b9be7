import { open, stat, writeFile } from "node:fs/promises"
import { CommandError, causeOf } from "./errors.ts"

/** A kind of file that a command writes. It may replace an older file of that kind, and no other. */
export interface OwnKind {
  /** As messages name it. */
  kind: "report" | "plan"
  /** Beginning of every such file. */
  mark: string
}

/** Throws CommandError where the file exists and is of another kind: a wrong name must not cost a policy or a ledger. */
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

/** Writes a file, over an earlier one of its kind. Throws CommandError. */
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
  // Opening a pipe would wait for its other end.
  if (!(await stat(path)).isFile()) return "not a file"
  const file = await open(path, "r")
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0)
    return buffer.subarray(0, bytesRead).toString()
  } finally {
    await file.close()
  }
}
