import * as z from "zod"
import { type SandboxResponse, serviceError } from "../response.ts"
import { sayIssue } from "../world/problem.ts"

// The body of POST …/live-scale-up, exactly as on the API page: other fields are refused. The page is unclear
// in two places. `flavor`: the text forbids hyphens but the example has them, so they are allowed.
// `key_pair_name`: it is not mandatory in the schema, so it may be missing.

const VOLUME_TYPES = ["ESSD", "GPSSD", "SAS", "SATA", "SSD"] as const
const MAX_USERDATA_BYTES = 32 * 1024

const base64 = z
  .string()
  .regex(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, { error: "must be base64" })
  .refine((text) => Buffer.byteLength(text, "base64") <= MAX_USERDATA_BYTES, {
    error: "must be at most 32 KB before base64",
  })

const body = z.strictObject({
  flavor: z.string().regex(/^[A-Za-z0-9._-]{1,128}$/, {
    error: "must be 1 to 128 letters, digits, periods, hyphens or underscores",
  }),
  image_id: z.string().regex(/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/, {
    error: "must be a UUID of 36 characters",
  }),
  key_pair_name: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,64}$/, {
      error: "must be 1 to 64 letters, digits, hyphens, underscores or periods",
    })
    .optional(),
  root_volume: z
    .strictObject({ size: z.int().min(100).max(1024).optional(), type: z.enum(VOLUME_TYPES).optional() })
    .optional(),
  data_volume: z
    .strictObject({
      size: z.int().min(100).max(32_768),
      type: z.enum(VOLUME_TYPES),
      count: z.int().min(1).max(8),
    })
    .optional(),
  userdata: base64.optional(),
})

export type ScaleUpBody = z.output<typeof body>

/**
 * The order, or the documented refusal (HTTP 400): 6335 if a property is missing, 6336 if a value is invalid,
 * 6400 if the payload is not an object or has unknown fields. The message lists all problems.
 */
export function readScaleUpBody(
  value: unknown,
): { ok: true; body: ScaleUpBody } | { ok: false; response: SandboxResponse } {
  const parsed = body.safeParse(value, { reportInput: true })
  if (parsed.success) return { ok: true, body: parsed.data }
  const [first] = parsed.error.issues
  return {
    ok: false,
    response: serviceError(400, codeOf(first), parsed.error.issues.map(sayIssue).join("; ")),
  }
}

function codeOf(issue: z.core.$ZodIssue | undefined): string {
  if (issue === undefined || issue.code === "unrecognized_keys" || issue.path.length === 0)
    return "ModelArts.6400"
  return issue.input === undefined ? "ModelArts.6335" : "ModelArts.6336"
}
