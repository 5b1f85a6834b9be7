import { InvalidArgumentError } from "commander"

/** Text that says something; what an empty shell variable leaves behind is a mistake. */
export function words(text: string): string {
  const said = text.trim()
  if (said === "") throw new InvalidArgumentError("It must not be empty.")
  if (said.length > 2_000) throw new InvalidArgumentError("It must be at most 2000 characters.")
  return said
}
