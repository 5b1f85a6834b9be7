import { createReadStream } from "node:fs"
import { CommandError } from "./errors.ts"
import type { CliIo } from "./io.ts"

/** What an invocation of a function may weigh (AWS Lambda: 6 MB; FunctionGraph takes no more). */
const MAX_BYTES = 6 * 1024 * 1024

/** The event in a file, or on stdin for `-`. Throws CommandError where there is none or it is no JSON. */
export async function readEvent(path: string, io: CliIo): Promise<unknown> {
  const where = path === "-" ? "stdin" : path
  const text = (await bytesOf(path, io, where)).toString("utf8")
  try {
    // Windows' editors put a mark before UTF-8 text that is no part of it.
    return JSON.parse(text.replace(/^\uFEFF/, ""))
  } catch (error) {
    const why = text.trim() === "" ? "it is empty" : error instanceof Error ? error.message : String(error)
    throw new CommandError(`the event from ${where} is not JSON: ${why.replace(/\s+/g, " ")}`)
  }
}

/** All of stdin. Throws CommandError where it is larger than a function's event may be. */
export async function readStdin(io: CliIo, what: string): Promise<Buffer> {
  return bytesOf("-", io, what)
}

async function bytesOf(path: string, io: CliIo, where: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of path === "-" ? io.stdin : bytesIn(path)) {
      bytes += chunk.length
      if (bytes > MAX_BYTES)
        throw new CommandError(`the event from ${where} is larger than 6 MB, which no function takes`)
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(
      `the event from ${where} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  return Buffer.concat(chunks)
}

async function* bytesIn(path: string): AsyncIterable<Uint8Array> {
  for await (const chunk of createReadStream(path)) {
    if (chunk instanceof Uint8Array) yield chunk
  }
}
