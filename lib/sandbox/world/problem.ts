import type * as z from "zod"

/** The sandbox was asked for something it cannot do: wrong options, an unknown supernode. Carries every problem. */
export class SandboxError extends Error {
  override readonly name = "SandboxError"
  constructor(readonly problems: string[]) {
    super(problems.join("; "))
  }
}

/** Parses what a caller gave. Throws `SandboxError` with every problem as `path: what is wrong`. */
export function parseOrThrow<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new SandboxError(parsed.error.issues.map(sayIssue))
}

/** `root_volume.size: too small`, or the sentence alone where the whole value is wrong. */
export function sayIssue(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(String).join(".")
  return path === "" ? issue.message : `${path}: ${issue.message}`
}
