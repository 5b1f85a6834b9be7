import * as z from "zod"
import { scenarioSchema } from "./script.ts"

/** The JSON Schema (draft 2020-12) of a scenario file, for editors. */
export function scenarioJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(scenarioSchema, { io: "input" })
  return { $schema, title: "supernode-autoscaler scenario", ...schema }
}
