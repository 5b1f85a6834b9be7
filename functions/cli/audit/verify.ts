import { counted } from "../../../lib/decision/policy/units.ts"
import type { Verification } from "../../../lib/ledger/open.ts"
import { type Task, withLedger } from "../context.ts"
import { requireAnyLedger } from "../known-ledger.ts"
import { namesById } from "../state/in-flight.ts"
import { allStreams, streamName, streamOf } from "./streams.ts"

/** Every entry of every stream, or of one. Exit 1 where one is bad. */
export async function verifyLedger(task: Task, name: string | undefined): Promise<void> {
  const { screen, options } = task
  await withLedger(task, async (ledger, settings) => {
    await requireAnyLedger(ledger, settings)
    const streams =
      name === undefined ? await allStreams(ledger) : [await streamOf(settings.policyPath, name)]
    const names = await namesById(settings.policyPath)
    const verdicts: ({ stream: string } & Verification)[] = []
    for (const stream of streams) {
      const verdict = await ledger.verify(stream)
      verdicts.push({ stream, ...verdict })
      if (!options.json) screen.say(sayVerdict(streamName(stream, names), verdict))
    }
    const bad = verdicts.filter(({ ok }) => !ok).length
    if (options.json) screen.json({ ok: bad === 0, streams: verdicts })
    else screen.say(sayAll(verdicts.length, bad))
    if (bad > 0) task.fail()
  })
}

function sayAll(streams: number, bad: number): string {
  if (streams === 0) return "nothing to verify: the ledger has no entries"
  return bad === 0
    ? `intact: ${counted(streams, "stream")}`
    : `NOT INTACT: ${bad} of ${counted(streams, "stream")}`
}

function sayVerdict(name: string, verdict: Verification): string {
  if (!verdict.ok) return `✗ ${name}: entry ${verdict.seq} ${verdict.problem}`
  return `✓ ${name}: ${verdict.entries === 1 ? "1 entry" : `${verdict.entries} entries`}${verdict.head === null ? "" : `, newest ${verdict.head}`}`
}
