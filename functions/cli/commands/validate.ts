import type { Command } from "commander"
import { policyPath } from "../../../lib/app/settings.ts"
import { worstCase, worstCaseOfAll } from "../../../lib/decision/money/worst-case.ts"
import { counted } from "../../../lib/decision/policy/amounts.ts"
import {
  loadPolicyFile,
  PolicyError,
  type PolicyFile,
  problemLine,
  warningLine,
} from "../../../lib/policy-file/load.ts"
import { words } from "../arguments.ts"
import { type Cli, type CommonOptions, type Task, taskOf } from "../context.ts"
import { errorJson } from "../errors.ts"
import { readBytes } from "../event-file.ts"
import { policyRows } from "../print/policy.ts"
import { tableOf } from "../print/table.ts"
import { worstCaseJson, worstCaseLines } from "../print/worst-case.ts"

interface ValidateOptions extends CommonOptions {
  strict?: boolean
}

export function registerValidate(program: Command, cli: Cli): void {
  program
    .command("validate")
    .summary("check a policy file")
    .description("Checks a policy file and everything it includes. Needs no ledger, no cloud and no keys.")
    .argument(
      "[POLICY]",
      "the file, - for stdin; default: --policy, SUPERNODE_POLICY or ./policy.yaml",
      words,
    )
    .option("--strict", "fail if there are warnings that the policy does not silence")
    .option("--json", "print the verdict and the effective policies as JSON")
    .action(async (file: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ValidateOptions>()
      const task = taskOf(cli, options)
      await validate(task, file ?? pathOf(options, cli), options.strict === true)
    })
}

// Reads no other settings: they are not part of the policy, and an editor's shell has none.
function pathOf({ policy }: CommonOptions, { io }: Cli): string {
  return policyPath(policy ?? (io.env["SUPERNODE_POLICY"]?.trim() || null), (name) => io.env[name])
}

async function validate(task: Task, path: string, isStrict: boolean): Promise<void> {
  try {
    const file =
      path === "-"
        ? await loadPolicyFile("stdin", task.now, await readBytes("-", task.io, "the policy from stdin"))
        : await loadPolicyFile(path, task.now)
    const isValid = !isStrict || file.warnings.length === 0
    showValid(task, file, isValid)
    if (!isValid) task.fail()
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    const { screen, options } = task
    screen.note(...error.problems.map(problemLine))
    screen.note(
      `${path === "-" ? "stdin" : path}: ${counted(error.problems.length, "problem")}; nothing can be bought with it`,
    )
    if (options.json) screen.json({ valid: false, ...errorJson(error) })
    task.fail()
  }
}

function showValid({ screen, options, io, now }: Task, file: PolicyFile, isValid: boolean): void {
  const { path, supernodes, warnings, silenced } = file
  screen.note(...warnings.map((warning) => `${isValid ? "warning" : "error"}: ${warningLine(warning)}`))
  const ofAll = worstCaseOfAll(supernodes.map(({ policy }) => policy))
  if (options.json) {
    const effective = supernodes.map(({ policy, hash }) => ({
      name: policy.name,
      hash,
      worstCase: worstCaseJson(worstCase(policy)),
      policy,
    }))
    const worst = worstCaseJson(ofAll)
    screen.json({ valid: isValid, supernodes: effective, worstCase: worst, warnings, silenced })
    return
  }
  const quiet = silenced.length === 0 ? "" : ` (${silenced.length} silenced)`
  for (const loaded of supernodes) {
    screen.say(
      screen.paint.bold(loaded.policy.name),
      ...tableOf(policyRows(loaded, { now, isOnly: supernodes.length === 1 }), { columns: columnsOf(io) }),
      "",
    )
  }
  screen.say(
    screen.paint.bold("Maximum cost, whatever alarms and people do"),
    ...worstCaseLines(ofAll).map((line) => `  ${line}`),
    "",
    `${path}: ${isValid ? "valid" : "not valid under --strict"}, ${counted(supernodes.length, "supernode")}, ${counted(warnings.length, "warning")}${quiet}`,
  )
}

function columnsOf({ isTerminal, columns }: Cli["io"]): number | undefined {
  return isTerminal ? columns : undefined
}
