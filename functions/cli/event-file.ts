import { createReadStream } from "node:fs"
import { CommandError, causeOf } from "./errors.ts"
import type { CliIo } from "./io.ts"

/** Maximum size of an invocation of a function (AWS Lambda: 6 MB; FunctionGraph takes no more). */
const MAX_BYTES = 6 * 1024 * 1024

/** The event in a file, or on stdin for `-`. Throws CommandError if there is no event or it is not JSON. */
export async function readEvent(path: string, io: CliIo): Promise<unknown> {
  const where = path === "-" ? "stdin" : path
  const text = await readText(path, io, `the event from ${where}`)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new CommandError(`the event from ${where} is not JSON: ${whyNotJson(text, error)}`)
  }
}

/** The error of JSON.parse in one line; `it is empty` for an empty text. */
export function whyNotJson(text: string, error: unknown): string {
  if (text.trim() === "") return "it is empty"
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ")
}

/** A file that an operator named, or stdin for `-`, as UTF-8 without its byte order mark. Throws CommandError. */
export async function readText(path: string, io: CliIo, what: string): Promise<string> {
  // Editors on Windows put a byte order mark before UTF-8 text. It is not part of the text.
  return (await readBytes(path, io, what)).toString("utf8").replace(/^\uFEFF/, "")
}

/**
 * A file that an operator named, or stdin for `-`. Throws CommandError if it cannot be read or is larger than
 * 6 MB.
 */
export async function readBytes(path: string, io: CliIo, what: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of path === "-" ? io.stdin : bytesIn(path)) {
      bytes += chunk.length
      if (bytes > MAX_BYTES)
        throw new CommandError(`${what} is larger than 6 MB, the maximum for such a file`)
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(`${what} cannot be read: ${causeOf(error)}`)
  }
  return Buffer.concat(chunks)
}

async function* bytesIn(path: string): AsyncIterable<Uint8Array> {
  for await (const chunk of createReadStream(path)) {
    if (chunk instanceof Uint8Array) yield chunk
  }
}
