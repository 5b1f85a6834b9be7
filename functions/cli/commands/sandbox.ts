import { type Command, Option } from "commander"
import { counted } from "../../../lib/decision/policy/amounts.ts"
import type { LoadedPolicy } from "../../../lib/decision/policy/loaded-policy.ts"
import { loadPolicyFile } from "../../../lib/policy-file/load.ts"
import { type Sandbox, type SandboxOptions, startSandbox } from "../../../lib/sandbox/sandbox.ts"
import { DEFAULT_ACCESS_KEY, DEFAULT_SUPERNODE } from "../../../lib/sandbox/world/defaults.ts"
import { duration, whole } from "../arguments.ts"
import { type Cli, type CommonOptions, type Task, taskOf } from "../context.ts"
import { listenError } from "../listen-error.ts"

type SandboxSupernode = NonNullable<SandboxOptions["supernodes"]>[number]

interface SandboxCommand extends CommonOptions {
  port: number
  load: number
  servers?: number
  npus?: number
  provisioning: number
}

export function registerSandbox(program: Command, cli: Cli): void {
  program
    .command("sandbox")
    .summary("a local ModelArts and Cloud Eye for trials")
    .description(
      "Runs a local ModelArts and Cloud Eye that behave as documented, until Ctrl-C. With --policy it has that file's supernodes, each on its smallest rung; by default, train-a of examples/policy.yaml with two servers.",
    )
    .option("--port <N>", "port on 127.0.0.1; 0 takes a free one", whole(0, 65_535), 0)
    .option(
      "--load <PERCENT>",
      "load of each server at the start; the total stays the same, so with more servers each has less",
      whole(0, 100),
      95,
    )
    .option("--servers <N>", "servers of each supernode at the start", whole(1, 48))
    .option(
      "--npus <N>",
      'cards of each server that report separately; default: 8 if a rule of the policy has npu: "*"',
      whole(0, 64),
    )
    .addOption(
      new Option("--provisioning <DURATION>", "time from CREATING to RUNNING")
        .argParser(duration)
        .default(30_000, '"30s"'),
    )
    .option("--json", "print its address as one line of JSON")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<SandboxCommand>()
      await runSandbox(taskOf(cli, options), options)
    })
}

async function runSandbox(task: Task, options: SandboxCommand): Promise<void> {
  const { port, provisioning: provisioningMs } = options
  const supernodes = await supernodesOf(options)
  // Called before the sandbox starts, since a caller that sees its address may stop it at once.
  const stopped = task.io.untilStopped()
  const sandbox = await startSandbox({ port, provisioningMs, supernodes }).catch((error: unknown) => {
    throw listenError(error, { host: "127.0.0.1", port })
  })
  try {
    announce(task, sandbox, supernodes)
    await stopped
  } finally {
    await sandbox.close()
  }
  task.screen.note("the sandbox is closed")
}

async function supernodesOf({ policy, servers, npus, load }: SandboxCommand): Promise<SandboxSupernode[]> {
  const entries =
    policy === undefined ? [DEFAULT_SUPERNODE] : (await loadPolicyFile(policy)).supernodes.map(asSandboxed)
  return entries.map((supernode) => {
    const count = servers ?? supernode.servers
    const cards = npus ?? supernode.npus ?? 0
    return { ...supernode, servers: count, npus: cards, load: { sharedLoad: load * count } }
  })
}

function asSandboxed({ policy }: LoadedPolicy): SandboxSupernode {
  const { id, name, region, projectId, ladder, rules } = policy
  const offers = ladder.map(({ flavor, servers }) => ({ flavor, servers }))
  const isByCard = rules.some(({ metric }) => metric["cloud-eye"]?.dimensions["npu"] === "*")
  return { id, name, region, projectId, offers, servers: ladder[0]?.servers ?? 1, npus: isByCard ? 8 : 0 }
}

/** Prints the settings for another terminal. The keys work only with sandboxes. */
function announce({ screen, options }: Task, { url }: Sandbox, supernodes: SandboxSupernode[]): void {
  const env = {
    SUPERNODE_MODELARTS_ENDPOINT: url,
    SUPERNODE_CES_ENDPOINT: url,
    SUPERNODE_BSS_ENDPOINT: url,
    SUPERNODE_CTS_ENDPOINT: url,
    HUAWEICLOUD_SDK_AK: DEFAULT_ACCESS_KEY.ak,
    HUAWEICLOUD_SDK_SK: DEFAULT_ACCESS_KEY.sk,
    SUPERNODE_LEDGER: "sqlite:./sandbox.db",
    SUPERNODE_MODE: "live",
  }
  if (options.json) {
    screen.jsonLine(
      JSON.stringify({
        url,
        env,
        supernodes: supernodes.map(({ name, id, servers }) => ({ name, id, servers })),
      }),
    )
    return
  }
  const put = `  curl -X PUT -H 'content-type: application/json' ${url}`
  const [first] = supernodes
  const which = supernodes.length > 1 && first ? `, "supernode": "${first.name}"` : ""
  screen.say(
    `ModelArts and Cloud Eye in a sandbox: ${url}`,
    ...supernodes.map(({ name, id, servers }) => `  ${name} (${id}), ${counted(servers, "server")}`),
    "",
    "in another terminal, with a ledger of its own (in live mode: nothing here costs money):",
    ...Object.entries(env).map(([name, value]) => `  export ${name}=${value}`),
    '  supernode-autoscaler ledger init --by me --why "a sandbox" --nothing-in-flight',
    `  supernode-autoscaler dry-run ${first?.name ?? "NAME"}`,
    "",
    "to see its state and to change it:",
    `  curl ${url}/sandbox/state`,
    `  curl ${url}/sandbox/requests`,
    `${put}/sandbox/load -d '{ "load": 20${which} }'`,
    `${put}/sandbox/offers -d '{ "flavor": "${first?.offers.at(-1)?.flavor ?? "FLAVOR"}", "soldOut": true }'`,
    `  curl -X POST -H 'content-type: application/json' ${url}/sandbox/failures -d '{ "operation": "scale-up", "failure": { "reset": "after-effect" } }'`,
    "",
    "Ctrl-C ends it.",
  )
}
