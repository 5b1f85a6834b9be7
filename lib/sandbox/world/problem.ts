import type * as z from "zod"

/** An input that the sandbox refuses: wrong options, an unknown supernode. Carries every problem. */
export class SandboxError extends Error {
  override readonly name = "SandboxError"
  constructor(readonly problems: string[]) {
    super(problems.join("; "))
  }
}

/** Parses a caller's input. Throws `SandboxError` with every problem as `path: problem`. */
export function parseOrThrow<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new SandboxError(parsed.error.issues.map(sayIssue))
}

/** `root_volume.size: too small`, or the sentence alone if the whole value is wrong. */
export function sayIssue(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(String).join(".")
  return path === "" ? issue.message : `${path}: ${issue.message}`
}
