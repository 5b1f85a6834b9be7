import { join } from "node:path"
import { parseArgs } from "node:util"
import { DeployError } from "./policy-files.ts"

/** What `npm run package:functiongraph` is asked for. */
export interface ZipArguments {
  policy: string
  /** Path of the zip. */
  out: string
  /** Files to put beside the policy. */
  others: string[]
}

const USAGE = "npm run package:functiongraph -- [POLICY [ZIP]] [--with FILE]…"

/** Throws DeployError. A second policy would be overwritten by the zip, so that only a name in .zip is the zip's. */
export function zipArguments(args: readonly string[], dist: string): ZipArguments {
  const { positionals, values } = parsed(args)
  const [policy = "policy.yaml", out = join(dist, "functiongraph.zip"), ...more] = positionals
  if (more.length > 0)
    throw new DeployError([`${more.join(" ")}: one policy and one zip are all it takes`, USAGE])
  if (!out.endsWith(".zip"))
    throw new DeployError([`${out}: the second name is the zip's, and ends in .zip`, USAGE])
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
