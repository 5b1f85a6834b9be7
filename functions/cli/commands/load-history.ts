import { createReadStream } from "node:fs"
import type { LoadedPolicy } from "../../../lib/decision/policy/loaded-policy.ts"
import { type LoadHistory, readLoad } from "../../../lib/simulate/load-file.ts"
import { readMeters } from "../../../lib/simulate/meter-history.ts"
import { type Task, withApp } from "../context.ts"
import { CommandError, causeOf } from "../errors.ts"
import { progressOn } from "../print/progress.ts"

/** A supernode's policy, and the path of its policy file. */
export interface PolicyToTry {
  path: string
  loaded: LoadedPolicy
}

export interface HistorySource {
  /** Path of a load file; `-` means stdin. */
  load?: string
  /**
   * Alternatively, start and end of a range to read from the policies' own meters, epoch milliseconds. `to`
   * defaults to now.
   */
  from?: number
  to?: number
}

/**
 * Reads the load history for each policy, in the order of `policies`. Throws LoadFileError and CommandError.
 */
export async function historiesOf(
  task: Task,
  policies: readonly PolicyToTry[],
  { load, from, to = task.now }: HistorySource,
): Promise<LoadHistory[]> {
  if (load !== undefined) {
    const history = await fileHistory(task, load, policies)
    return policies.map(() => history)
  }
  if (from === undefined || from >= to) throw new CommandError("--from must be earlier than --to")
  const histories: LoadHistory[] = []
  for (const policy of policies) histories.push(await meterHistory(task, policy, { from, to }))
  return histories
}

async function fileHistory(
  { io }: Task,
  path: string,
  policies: readonly PolicyToTry[],
): Promise<LoadHistory> {
  const names = policies.flatMap(({ loaded }) => loaded.policy.rules.map(({ name }) => name))
  const rules = [...new Set(names)]
  if (path === "-") return readLoad("stdin", io.stdin, rules)
  try {
    return await readLoad(path, createReadStream(path), rules)
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error
    throw new CommandError(`the load file ${path} cannot be read: ${causeOf(error)}`)
  }
}

/**
 * Reads the history from Prometheus, Cloud Eye and CloudWatch with the keys in the settings. Does not open
 * the ledger of the settings.
 */
async function meterHistory(
  task: Task,
  { path, loaded: { policy } }: PolicyToTry,
  range: { from: number; to: number },
): Promise<LoadHistory> {
  const options = { ...task.options, policy: path, ledger: "memory:" }
  return withApp({ ...task, options }, async ({ cloud }) => {
    const supernode = await cloud.readSupernode(policy)
    if (!supernode.ok)
      throw new CommandError(
        `${policy.name} cannot be read, so its servers' meters are not known: ${supernode.why}`,
      )
    const progress = progressOn(task.io.stderr, `meters of ${policy.name}`)
    const { history, problems } = await readMeters(cloud, {
      policy,
      supernode: supernode.value,
      ...range,
      onProgress: progress.show,
    })
    progress.clear()
    if (!history)
      throw new CommandError(
        `no meter of ${policy.name} has data from ${instantText(range.from)} to ${instantText(range.to)}: ${problems.join("; ") || "its rules use alarm points"}`,
      )
    task.screen.note(...problems.map((problem) => `warning: ${path}: ${problem}`))
    return history
  })
}

function instantText(at: number): string {
  return new Date(at).toISOString()
}
