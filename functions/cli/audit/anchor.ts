import { operatorCommand } from "../../../lib/decision/explain/operator-command.ts"
import { type Anchor, anchorOf, parseAnchor } from "../../../lib/ledger/anchor.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import { type Task, withLedger } from "../context.ts"
import { CommandError } from "../errors.ts"
import { readText } from "../event-file.ts"
import type { CliIo } from "../io.ts"
import { requireAnyLedger } from "../known-ledger.ts"
import { allStreams } from "./streams.ts"

export async function printAnchor(task: Task): Promise<void> {
  await withLedger(task, async (ledger, settings) => {
    await requireAnyLedger(ledger, settings)
    const heads: LedgerEntry[] = []
    for (const stream of await allStreams(ledger)) {
      const head = await ledger.head(stream)
      if (head) heads.push(head)
    }
    task.screen.json(anchorOf(heads, task.now))
  })
}

/**
 * Reads the anchor from a file, or from stdin for `-`. Throws CommandError that names the file's problems.
 */
export async function readAnchor(file: string, io: CliIo): Promise<Anchor> {
  const where = file === "-" ? "stdin" : file
  const text = await readText(file, io, `the anchor file ${where}`)
  const parsed = parseAnchor(text)
  if (parsed.ok) return parsed.anchor
  throw new CommandError(
    `${where} is not an anchor: ${parsed.problems.join("; ")}. To make one, run: ${operatorCommand.auditAnchor}`,
  )
}
