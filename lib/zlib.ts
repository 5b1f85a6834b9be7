import { createRequire } from "node:module"
import { join } from "node:path"
import { onFirstUse } from "./on-first-use.ts"

/** Node.js's zlib. Loaded by the first text that is compressed: most events meet none, and a start would pay for it. */
export const zlib = onFirstUse((): typeof import("node:zlib") =>
  createRequire(join(import.meta.dirname, "zlib.ts"))("node:zlib"),
)
