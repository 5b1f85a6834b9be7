import { createRequire } from "node:module"
import { join } from "node:path"
import { onFirstUse } from "./on-first-use.ts"

/** Node.js's zlib, loaded for the first compressed text. Most events have none, and loading slows a start. */
export const zlib = onFirstUse((): typeof import("node:zlib") =>
  createRequire(join(import.meta.dirname, "zlib.ts"))("node:zlib"),
)
