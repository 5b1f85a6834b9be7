import type { Control } from "../decision/state/control.ts"
import { CONTROL_STREAM, controlOf, FLEET_STREAM } from "../ledger/next-entry.ts"
import type { Anchor, Ports } from "../ports.ts"
import type { RunTask } from "./task.ts"

/** Maximum time for reading the streams, so that a slow store does not delay a run. The anchor then holds the streams read so far. */
const MAX_READ_MS = 3_000
/** Time reserved for the notification itself and for the entry that records its failure. */
const KEEP_MS = 10_000
const AT_ONCE = 20

/** The newest entries of all streams that the policy file knows, as far as they can be read now. */
export async function takeAnchor(
  ports: Pick<Ports, "ledger" | "clock" | "timeLeftMs">,
  { fleetStreams, stream }: Pick<RunTask, "fleetStreams" | "stream">,
): Promise<Anchor> {
  const endsAt = ports.clock.monotonic() + MAX_READ_MS
  // This supernode's stream first, so that every notification of a purchase has an anchor over that purchase.
  const streams = [...new Set([stream, CONTROL_STREAM, FLEET_STREAM, ...fleetStreams])]
  const heads: Anchor["heads"] = {}
  let ledger: string | null = null
  for (let start = 0; start < streams.length; start += AT_ONCE) {
    if (ports.clock.monotonic() >= endsAt || ports.timeLeftMs() <= KEEP_MS) break
    const found = await Promise.all(streams.slice(start, start + AT_ONCE).map((one) => headOf(ports, one)))
    for (const head of found) {
      if (!head) continue
      heads[head.stream] = { seq: head.seq, hash: head.hash }
      if (head.stream === CONTROL_STREAM) ledger = ledgerIdIn(controlOf(head))
    }
  }
  return { v: 1, ledger, at: new Date(ports.clock.now()).toISOString(), heads }
}

/** Newest entry of a stream; undefined if the stream is empty or unreadable. The anchor then leaves this stream out. */
function headOf(ports: Pick<Ports, "ledger">, stream: string) {
  return ports.ledger.head(stream).catch(() => undefined)
}

/** Id of the ledger, which `ledger init` writes; null for an older ledger without an id. */
function ledgerIdIn(control: Control & { ledger?: { id?: string } }): string | null {
  return control.ledger?.id ?? null
}
