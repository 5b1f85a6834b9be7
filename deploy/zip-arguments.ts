import { join } from "node:path"
import { parseArgs } from "node:util"
import { DeployError } from "./policy-files.ts"

/** Arguments of `npm run package:functiongraph`. */
export interface ZipArguments {
  policy: string
  /** Path of the zip. */
  out: string
  /** Files to put beside the policy. */
  others: string[]
}

const USAGE = "npm run package:functiongraph -- [POLICY [ZIP]] [--with FILE]…"

/** Throws DeployError. The zip's name must end in .zip: otherwise the zip could overwrite a second policy. */
export function zipArguments(args: readonly string[], dist: string): ZipArguments {
  const { positionals, values } = parsed(args)
  const [policy = "policy.yaml", out = join(dist, "functiongraph.zip"), ...more] = positionals
  if (more.length > 0)
    throw new DeployError([
      `${more.join(" ")}: too many arguments. Give at most one policy and one zip`,
      USAGE,
    ])
  if (!out.endsWith(".zip"))
    throw new DeployError([`${out}: the second argument names the zip, so it must end in .zip`, USAGE])
  return { policy, out, others: values.with }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { with: { type: "string", multiple: true, default: [] } },
    })
  } catch (error) {
    throw new DeployError([(error as Error).message, USAGE])
  }
}
