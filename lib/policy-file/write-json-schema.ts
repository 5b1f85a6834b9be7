import { writeFile } from "node:fs/promises"
import { policyJsonSchema } from "./json-schema.ts"

// Run by `tsx` after a change of the schema; a test fails while the committed file is behind.
await writeFile(
  new URL("../../docs/policy.schema.json", import.meta.url),
  `${JSON.stringify(policyJsonSchema(), null, 2)}\n`,
)
