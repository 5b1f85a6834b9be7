import { writeFile } from "node:fs/promises"
import { policyJsonSchema } from "./json-schema.ts"
import { policyPage } from "./policy-page.ts"

// Run by `npm run schema` after a change of the schema; a test fails while the committed files are out of
// date.
const schema = policyJsonSchema()
const docs = (name: string) => new URL(`../../docs/${name}`, import.meta.url)
await writeFile(docs("policy.schema.json"), `${JSON.stringify(schema, null, 2)}\n`)
await writeFile(docs("policy.md"), policyPage(schema))
