import { InvalidArgumentError } from "commander"

/** Parses a text. Refuses an empty one, which is usually an empty shell variable. */
export function words(text: string): string {
  const said = text.trim()
  if (said === "") throw new InvalidArgumentError("It must not be empty.")
  if (said.length > 2_000) throw new InvalidArgumentError("It must be at most 2000 characters.")
  return said
}
