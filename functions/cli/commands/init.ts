import { writeFile } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import type { Command } from "commander"
import { operatorCommand } from "../../../lib/decision/explain/operator-command.ts"
import { counted } from "../../../lib/decision/policy/amounts.ts"
import { loadPolicyFile, PolicyError, problemLine } from "../../../lib/policy-file/load.ts"
import { planPath, words } from "../arguments.ts"
import { type Cli, type CommonOptions, settingsOf, type Task, taskOf } from "../context.ts"
import { CommandError, causeOf } from "../errors.ts"
import {
  type NamedSupernode,
  namedSupernodes,
  PLACEHOLDER_SUPERNODE,
  policyText,
  scenarioText,
} from "../policy/new-policy.ts"
import { seenSupernodes } from "../policy/seen-supernodes.ts"

interface InitOptions extends CommonOptions {
  fromCloud?: true
  region?: string
  projectId?: string
  out: string
}

export function registerInit(program: Command, cli: Cli): void {
  program
    .command("init")
    .summary("write a first policy, and a scenario that tests it")
    .description(
      "Writes a commented policy and, beside it, scenario.yaml for `test`. Never replaces a file. Without --from-cloud it has placeholders. Nothing can be bought with it before you add a larger rung. Reads the cloud only with --from-cloud.",
    )
    .option("--from-cloud", "use the supernodes, servers and offers that the keys see in one project")
    .option("--region <REGION>", "for --from-cloud, such as cn-southwest-2", words)
    .option("--project-id <ID>", "for --from-cloud: the id of the project in that region", words)
    .option("--out <FILE>", "the policy to write", planPath, "policy.yaml")
    .option("--json", "print the written files as JSON")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<InitOptions>()
      const { fromCloud, region, projectId } = options
      if (fromCloud && (region === undefined || projectId === undefined))
        command.error("error: --from-cloud needs --region and --project-id")
      if (!fromCloud && (region !== undefined || projectId !== undefined))
        command.error("error: --region and --project-id need --from-cloud")
      await init(taskOf(cli, options), options)
    })
}

async function init(task: Task, { region, projectId, out }: InitOptions): Promise<void> {
  const { screen, options, io } = task
  const seen =
    region === undefined || projectId === undefined
      ? [PLACEHOLDER_SUPERNODE]
      : await seenSupernodes(settingsOf(task), io.clock, { region, projectId })
  const supernodes = namedSupernodes(seen)
  const text = policyText(supernodes)
  await checkValid(text, out)
  await create(out, text)
  const scenario = await createScenario(supernodes, out)
  const names = supernodes.map(({ policyName }) => policyName)
  if (options.json) {
    screen.json({ policy: out, scenario, supernodes: names })
    return
  }
  screen.say(
    `${out} is written: ${counted(names.length, "supernode")} (${names.join(", ")}). It buys nothing yet`,
    ...(scenario === null ? [] : [`${scenario} is written: a situation and its expected result`]),
    "",
    "next:",
    `  edit ${out}: each line marked EDIT`,
    `  supernode-autoscaler validate ${out}`,
    ...(scenario === null ? [] : [`  supernode-autoscaler test ${scenario} --policy ${out}`]),
    `  ${operatorCommand.ledgerInit}`,
    `  supernode-autoscaler doctor --policy ${out}`,
  )
}

/** Checks that the new policy is valid. Throws CommandError if the cloud showed a value that no policy may have. */
async function checkValid(text: string, path: string): Promise<void> {
  try {
    await loadPolicyFile(path, null, Buffer.from(text))
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error
    throw new CommandError(
      `the data from the cloud does not make a valid policy, so nothing was written: ${error.problems.map(problemLine).join("; ")}`,
    )
  }
}

/** Writes the policy. Throws CommandError if the file exists already. */
async function create(path: string, text: string): Promise<void> {
  await writeFile(path, text, { flag: "wx" }).catch((error: unknown) => {
    throw new CommandError(
      isThere(error)
        ? `${path} exists already and is never replaced. Give another file with --out; nothing was written`
        : `${path} cannot be written: ${causeOf(error)}`,
    )
  })
}

/**
 * Writes the scenario and returns its path. Returns `null` if the file exists already; it is not replaced.
 */
async function createScenario(supernodes: readonly NamedSupernode[], out: string): Promise<string | null> {
  const scenario = join(dirname(out), "scenario.yaml")
  const text = scenarioText(supernodes, { policy: basename(out), scenario: basename(scenario) })
  try {
    await writeFile(scenario, text, { flag: "wx" })
    return scenario
  } catch (error) {
    if (isThere(error)) return null
    throw new CommandError(`${scenario} cannot be written: ${causeOf(error)}`)
  }
}

function isThere(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EEXIST"
}
