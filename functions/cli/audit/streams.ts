import { supernodeStream } from "../../../lib/ledger/next-entry.ts"
import type { AuditedLedger } from "../../../lib/ledger/open.ts"
import { supernodeIdOf } from "../state/in-flight.ts"

/** Returns the stream that an operator names by the stream's own name, or by a supernode's name or id. */
export async function streamOf(policyPath: string, name: string): Promise<string> {
  if (name === "control" || name === "fleet" || name.startsWith("supernode:")) return name
  return supernodeStream(await supernodeIdOf(policyPath, name))
}

/** All streams that have entries, sorted by name. */
export async function allStreams(ledger: AuditedLedger): Promise<string[]> {
  const streams: string[] = []
  for await (const stream of ledger.streams()) streams.push(stream)
  return streams.sort()
}

/** Returns `train-a` for `supernode:<its id>` if the policy names it; otherwise the stream's own name. */
export function streamName(stream: string, names: Map<string, string>): string {
  return names.get(stream.replace(/^supernode:/, "")) ?? stream
}
