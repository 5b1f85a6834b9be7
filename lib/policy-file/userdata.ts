import { dirname, isAbsolute, join } from "node:path"
import type { UserdataDigest } from "../decision/plan.ts"
import { isRecord } from "../decision/policy/amounts.ts"
import { digestText } from "../digest.ts"
import { causeOf } from "./file-cause.ts"
import { readFile, stat } from "./files.ts"
import { originOf, problemAt, type SourceNode } from "./position.ts"
import type { PolicyProblem } from "./problem.ts"

/** API page, `userdata`: at most 32 KB before base64. */
const MAX_BYTES = 32 * 1024

/** Userdata of one supernode: its digest for the policy, and its base64 for the order. */
export interface Userdata {
  digest: UserdataDigest
  base64: string
  /** Path of the file with the text; `null` if the text is in the policy itself. */
  file: string | null
}

/** Reads `order.userdata`, or `order.userdata_file` relative to the file that has it. `null` without both. */
export async function readUserdata(
  nodes: readonly [SourceNode, ...SourceNode[]],
  supernode: unknown,
): Promise<Userdata | PolicyProblem | null> {
  const order = isRecord(supernode) && isRecord(supernode["order"]) ? supernode["order"] : {}
  const { userdata, userdata_file: file } = order
  const key = typeof userdata === "string" ? "userdata" : "userdata_file"
  const origin = originOf(nodes, ["order", key])
  try {
    if (typeof userdata === "string" && userdata !== "") return userdataOf(Buffer.from(userdata), null)
    if (typeof file !== "string" || file === "") return null
    const path = isAbsolute(file) ? file : join(dirname(origin.source.file), file)
    return userdataOf(await bytesOf(path), path)
  } catch (error) {
    if (!(error instanceof UnfitError)) throw error
    return problemAt(origin, error.message)
  }
}

class UnfitError extends Error {}

async function bytesOf(path: string): Promise<Uint8Array> {
  const info = await stat(path).catch((error: unknown) => unfit(`cannot be read: ${path}: ${causeOf(error)}`))
  if (!info.isFile()) unfit(`must be a file: ${path} is not a file`)
  checkSize(info.size)
  return readFile(path).catch((error: unknown) => unfit(`cannot be read: ${path}: ${causeOf(error)}`))
}

function userdataOf(bytes: Uint8Array, file: string | null): Userdata {
  checkSize(bytes.byteLength)
  return {
    digest: { sha256: digestText(bytes), bytes: bytes.byteLength },
    base64: Buffer.from(bytes).toString("base64"),
    file,
  }
}

function checkSize(bytes: number): void {
  if (bytes === 0) unfit("must not be empty: omit the key instead")
  if (bytes > MAX_BYTES) unfit(`must be at most ${MAX_BYTES} bytes (32 KB) before base64, not ${bytes}`)
}

function unfit(message: string): never {
  throw new UnfitError(message)
}
