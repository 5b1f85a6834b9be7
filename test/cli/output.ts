import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js"
import { OUTPUT_SCHEMAS, type OutputName } from "../../functions/cli/docs/output-schemas.ts"

// The committed JSON Schemas of the commands' output.

export const FOLDER = fileURLToPath(new URL("../../docs/cli/", import.meta.url))

const schemas = new Map(
  (Object.keys(OUTPUT_SCHEMAS) as OutputName[]).map((name) => [name, compiled(name)] as const),
)

function compiled(name: OutputName): ValidateFunction {
  const schema = JSON.parse(readFileSync(join(FOLDER, `${name}.schema.json`), "utf8")) as object
  return new Ajv2020({ strict: false, validateFormats: false }).compile(schema)
}

/** All differences between a document and its schema; `null` if there are none. */
export function problemsOf(name: OutputName, document: unknown): unknown {
  const validate = schemas.get(name)
  if (!validate) throw new Error(`no schema is called ${name}`)
  return validate(document) ? null : validate.errors
}
