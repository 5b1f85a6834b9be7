import type { HeadQuery } from "../store.ts"
import type { DynamoConnection } from "./client.ts"

/** An item's attributes; this program writes only texts (`S`) and numbers (`N`). */
export type DynamoItem = Record<string, { S?: string; N?: string }>

interface BatchAnswer {
  Responses?: Record<string, DynamoItem[]>
  UnprocessedKeys?: Record<string, { Keys?: DynamoItem[] }>
}

/** BatchGetItem accepts 100 keys, and each stream needs two. */
const STREAMS_PER_BATCH = 50

interface KnownHeadsQuery {
  table: string
  queries: readonly HeadQuery[]
}

/** Connections without permission for BatchGetItem, or whose server does not support it. */
const unbatched = new WeakSet<DynamoConnection>()

/**
 * Entries that this process has seen before and that are still the newest of their streams. Such an entry is
 * there and the next one is absent; entries are never removed, so no later one can exist. A key that the
 * response leaves unprocessed is unread, not absent. The result omits streams with an unread key or a newer
 * entry, and those whose request failed. Never rejects.
 */
export async function readKnownHeads(
  connection: DynamoConnection,
  { table, queries }: KnownHeadsQuery,
): Promise<Map<string, DynamoItem>> {
  const seen = queries.filter(({ seqSeen }) => seqSeen > 0)
  const batches: HeadQuery[][] = []
  for (let from = 0; from < seen.length; from += STREAMS_PER_BATCH)
    batches.push(seen.slice(from, from + STREAMS_PER_BATCH))
  const known = await Promise.all(batches.map((batch) => readBatch(connection, { table, queries: batch })))
  return new Map(known.flat())
}

async function readBatch(
  connection: DynamoConnection,
  { table, queries }: KnownHeadsQuery,
): Promise<[stream: string, item: DynamoItem][]> {
  if (unbatched.has(connection)) return []
  const Keys = queries.flatMap(({ stream, seqSeen }) => [keyOf(stream, seqSeen), keyOf(stream, seqSeen + 1)])
  const RequestItems = { [table]: { Keys, ConsistentRead: true } }
  try {
    const answer = await connection.read<BatchAnswer>("BatchGetItem", { RequestItems })
    return stillNewest(queries, { table, answer })
  } catch (error) {
    if (isRefused(error)) unbatched.add(connection)
    return []
  }
}

function stillNewest(
  queries: readonly HeadQuery[],
  { table, answer }: { table: string; answer: BatchAnswer },
): [stream: string, item: DynamoItem][] {
  const items = new Map((answer.Responses?.[table] ?? []).map((item) => [nameOf(item), item]))
  const unread = new Set((answer.UnprocessedKeys?.[table]?.Keys ?? []).map(nameOf))
  return queries.flatMap(({ stream, seqSeen }): [string, DynamoItem][] => {
    const [own, next] = [seqSeen, seqSeen + 1].map((seq) => nameOf(keyOf(stream, seq)))
    const item = own === undefined ? undefined : items.get(own)
    if (item === undefined || next === undefined || items.has(next) || unread.has(next)) return []
    return [[stream, item]]
  })
}

function keyOf(stream: string, seq: number): DynamoItem {
  return { stream: { S: stream }, seq: { N: String(seq) } }
}

function nameOf({ stream, seq }: DynamoItem): string {
  return `${stream?.S}#${seq?.N}`
}

/** True if permission is missing or the server does not support BatchGetItem; a retry would not help. */
function isRefused(error: unknown): boolean {
  return (
    error instanceof Error &&
    /^(AccessDenied|Unknown|UnknownOperation|NotImplemented|Validation)/.test(error.name)
  )
}
