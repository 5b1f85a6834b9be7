import { writeFile } from "node:fs/promises"
import { scenarioJsonSchema } from "./json-schema.ts"

// Run by `npm run schema` after a change of the format; a test fails while the committed file is out of date.
await writeFile(
  new URL("../../../docs/scenarios.schema.json", import.meta.url),
  `${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`,
)
