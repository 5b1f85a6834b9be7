import type { Command } from "commander"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import type { AuditedLedger } from "../../lib/ledger/open.ts"
import { controlOf } from "../../lib/record.ts"
import { sayToAll } from "../../lib/say.ts"
import { planHash, words } from "./arguments.ts"
import { type Cli, type CommonOptions, deskOf, type Task, taskOf, withLedger } from "./context.ts"
import { sayPlan } from "./result-text.ts"
import { showWord, WHO } from "./word.ts"

interface ApproveOptions extends CommonOptions {
  by: string
}

export function registerApprove(program: Command, cli: Cli): void {
  program
    .command("approve")
    .summary("one person's yes to one plan")
    .description(
      "Approves one plan by its hash. It counts until it expires, for this very plan and once; the requester of a purchase cannot approve it. The next tick buys.",
    )
    .argument("<PLANHASH>", "as a dry run or the record shows it", planHash)
    .requiredOption("--by <WHO>", WHO, words)
    .option("--json", "print the entry as JSON")
    .action(async (hash: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ApproveOptions>()
      await approve(taskOf(cli, options), hash, options.by)
    })
}

async function approve(task: Task, hash: string, by: string): Promise<void> {
  const { screen } = task
  await withLedger(task, async (ledger) => {
    const known = await findPlan(ledger, hash)
    if (known?.plan) screen.say(`this is ${sayPlan(known.plan)}: ${known.plan.request.url}`)
    else
      screen.note(
        "warning: no recent run recorded a plan with this hash; an approval of it has no effect unless a run plans just that",
      )
    const entry = await sayToAll(deskOf(task, ledger), { verb: "approve", planHash: hash, by })
    const { approvals } = controlOf(entry)
    const names = new Set(approvals.flatMap((approval) => (approval.planHash === hash ? [approval.by] : [])))
    screen.say(
      `approved by ${[...names].sort().join(", ")}; how many are needed, and for how long they count, is in the policy (approval)`,
    )
    showWord(task, entry)
  })
}

/** How far back a plan is looked for in each chain. */
const RECENT_ENTRIES = 100

async function findPlan(ledger: AuditedLedger, hash: string): Promise<LedgerEntry | null> {
  for await (const stream of ledger.streams()) {
    if (!stream.startsWith("supernode:")) continue
    const newest = (await ledger.head(stream))?.seq ?? 0
    for await (const entry of ledger.read(stream, { fromSeq: Math.max(1, newest - RECENT_ENTRIES) })) {
      if (entry.plan?.hash === hash) return entry
    }
  }
  return null
}
