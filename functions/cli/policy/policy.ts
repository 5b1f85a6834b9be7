import type { Command } from "commander"
import { worstCase, worstCaseOfAll } from "../../../lib/decision/money/worst-case.ts"
import { sayDuration } from "../../../lib/decision/policy/amounts.ts"
import type { LoadedPolicy } from "../../../lib/decision/policy/loaded-policy.ts"
import { digest } from "../../../lib/digest.ts"
import { loadPolicyFile, type PolicyFile } from "../../../lib/policy-file/load.ts"
import { words } from "../arguments.ts"
import { type Cli, type CommonOptions, type Task, taskOf } from "../context.ts"
import { CommandError } from "../errors.ts"
import { readBytes } from "../event-file.ts"
import { tableOf } from "../print/table.ts"
import { worstCaseJson, worstCaseLines } from "../print/worst-case.ts"
import { type Change, changesOf } from "./changes.ts"

export function registerPolicy(program: Command, cli: Cli): void {
  const policy = program
    .command("policy")
    .summary("compare policies")
    .description("Works with policy files alone.")
  policy
    .command("diff")
    .summary("what a new policy file changes")
    .description(
      "Shows what changes between two policy files, key by key after defaults and includes, and the most that each can cost. Needs no ledger, no cloud and no keys. Exits 0 even if they differ.",
    )
    .argument("<OLD>", "a policy file; - for stdin", words)
    .argument("<NEW>", "a policy file; - for stdin", words)
    .option("--json", "print the changes as JSON")
    .action(async (before: string, after: string, _options: unknown, command: Command) => {
      await diff(taskOf(cli, command.optsWithGlobals<CommonOptions>()), before, after)
    })
}

async function diff(task: Task, before: string, after: string): Promise<void> {
  if (before === "-" && after === "-") throw new CommandError("only one of OLD and NEW can be -")
  const [old, next] = [await load(task, before), await load(task, after)]
  const supernodes = supernodesOf(old, next)
  const file = changesOf(fileKeys(old), fileKeys(next))
  const [was, is] = [old, next].map(({ supernodes: all }) => worstCaseOfAll(all.map(({ policy }) => policy)))
  if (!was || !is) return
  if (task.options.json) {
    const bills = { before: worstCaseJson(was), after: worstCaseJson(is) }
    task.screen.json({
      file: file.map(changeJson),
      supernodes: supernodes.map(supernodeJson),
      worstCase: bills,
    })
    return
  }
  const { screen } = task
  const changed = supernodes.filter(({ change }) => change !== "same")
  if (changed.length === 0 && file.length === 0)
    screen.say("nothing changes: both files have the same policies")
  if (file.length > 0) screen.say(screen.paint.bold("the whole file"), ...changeRows(file), "")
  for (const one of changed) {
    screen.say(`${screen.paint.bold(one.name)}  ${SAY_CHANGE[one.change]}`, ...changeRows(one.changes), "")
  }
  screen.say(
    screen.paint.bold("Maximum cost, whatever alarms and people do"),
    ...worstCaseLines(was).map((line) => `  before: ${line}`),
    ...worstCaseLines(is).map((line) => `  after:  ${line}`),
  )
}

async function load({ io, now }: Task, path: string): Promise<PolicyFile> {
  return path === "-"
    ? loadPolicyFile("stdin", now, await readBytes("-", io, "the policy from stdin"))
    : loadPolicyFile(path, now)
}

/**
 * Keys of the file itself. A webhook's address is a secret, so only its digest is compared; a changed address
 * still shows.
 */
function fileKeys({ ledgerId, notify, smnTopics, snsTopics }: PolicyFile): object {
  const recipients = notify.map((one) => {
    if (one.kind !== "webhook") return one
    const { kind, format, topics } = one
    return { kind, format, topics, address: digest([one.address, one.secret]).slice(0, "sha256:".length + 8) }
  })
  return { ledger_id: ledgerId, notify: recipients, smnTopics, snsTopics }
}

interface Compared {
  name: string
  id: string
  change: keyof typeof SAY_CHANGE
  changes: Change[]
  before: LoadedPolicy | undefined
  after: LoadedPolicy | undefined
}

const SAY_CHANGE = {
  added: "is new: it may buy from now on",
  removed: "is removed: nothing more is bought for it",
  changed: "changes",
  same: "does not change",
} as const

/** Compares supernodes by id, so that a new name counts as a change and not as another supernode. */
function supernodesOf(old: PolicyFile, next: PolicyFile): Compared[] {
  const [was, is] = [old, next].map(
    ({ supernodes }) => new Map(supernodes.map((loaded) => [loaded.policy.id, loaded])),
  )
  const ids = [...new Set([...(is?.keys() ?? []), ...(was?.keys() ?? [])])]
  return ids.flatMap((id): Compared[] => {
    const [before, after] = [was?.get(id), is?.get(id)]
    const { policy } = after ?? before ?? {}
    if (!policy) return []
    const changes = before && after ? changesOf(before.policy, after.policy) : []
    const change = !before ? "added" : !after ? "removed" : changes.length > 0 ? "changed" : "same"
    return [{ name: policy.name, id, change, changes, before, after }]
  })
}

function supernodeJson({ name, id, change, changes, before, after }: Compared): object {
  const bill = (loaded: LoadedPolicy | undefined) => (loaded ? worstCaseJson(worstCase(loaded.policy)) : null)
  const worst = { before: bill(before), after: bill(after) }
  return { name, id, change, changes: changes.map(changeJson), worstCase: worst }
}

/** Replaces `undefined` by `null`, since JSON has no `undefined`. */
function changeJson({ path, before, after }: Change): object {
  return { path, before: before ?? null, after: after ?? null }
}

function changeRows(changes: readonly Change[]): string[] {
  if (changes.length === 0) return []
  return tableOf(
    changes.map(({ path, before, after }) => [`  ${path}`, `${say(path, before)} -> ${say(path, after)}`]),
  )
}

/** Durations and amounts for people, text as it is, and everything else as JSON. */
function say(path: string, value: unknown): string {
  if (value === undefined || value === null) return "none"
  if (typeof value === "number" && /(Ms|\.period|\.lag|\.per|\.expires)$/.test(path))
    return sayDuration(value)
  if (typeof value === "number" && path.endsWith(".minor")) return String(value / 100)
  return typeof value === "string" ? value : JSON.stringify(value)
}
