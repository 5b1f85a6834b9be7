import { spawnSync } from "node:child_process"
import { join } from "node:path"
import type { TestContext } from "vitest"
import { findProgram } from "../e2e/servers.ts"
import { IS_FULL } from "../full.ts"
import { ROOT } from "../packaging/built.ts"

export interface Check {
  args: readonly string[]
  /** Standard input. */
  input?: string
}

/**
 * Runs promtool in deploy/observability. Returns its output if it finds a fault, and an empty string
 * otherwise. Skips the test with a reason if promtool cannot run.
 */
export function faultsByPromtool(context: Pick<TestContext, "skip">, { args, input = "" }: Check): string {
  if (!IS_FULL) return context.skip("npm run test:full asks promtool")
  const promtool = findProgram("promtool")
  if (promtool === null)
    return context.skip("promtool is not installed; in Debian it is in the package prometheus")
  const options = { cwd: join(ROOT, "deploy/observability"), encoding: "utf8", input } as const
  const { status, stdout, stderr } = spawnSync(promtool, args, options)
  return status === 0 && stderr === "" ? "" : `${stdout}\n${stderr}`
}
