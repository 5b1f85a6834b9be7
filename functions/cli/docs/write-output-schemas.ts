import { mkdir, writeFile } from "node:fs/promises"
import { OUTPUT_SCHEMAS, type OutputName, outputJsonSchema } from "./output-schemas.ts"

// Run by `npm run schema` after a change of a command's JSON. A test fails if the committed files are
// outdated.
const folder = new URL("../../../docs/cli/", import.meta.url)
await mkdir(folder, { recursive: true })
for (const name of Object.keys(OUTPUT_SCHEMAS) as OutputName[])
  await writeFile(
    new URL(`${name}.schema.json`, folder),
    `${JSON.stringify(outputJsonSchema(name), null, 2)}\n`,
  )
