import { LedgerError } from "../../ports.ts"
import { readOneByOne } from "../head-reads.ts"
import {
  type HeadQuery,
  type HeadResult,
  type LedgerStore,
  noLedgerAt,
  type RawEntry,
  type SeqRange,
} from "../store.ts"
import { connectDynamo, type DynamoConnection, type DynamoPlace, placeName } from "./client.ts"
import { DynamoRefusal, dynamoFailure, isMissing, isRefusal } from "./failure.ts"
import { type DynamoItem, readKnownHeads } from "./known-heads.ts"
import { createDynamoTable, recoverByTime } from "./table.ts"

/**
 * A ledger in one table of the DynamoDB protocol: AWS's, or Huawei Cloud's GeminiDB. It keeps to GeminiDB's
 * limits: single-item conditional writes, no transactions, values only as placeholders.
 * Item: `{ stream: S (partition key), seq: N (sort key), entry: S }`.
 * Sends nothing before its first use. A missing table reads as a ledger without entries.
 */
export async function openDynamoStore(place: DynamoPlace): Promise<LedgerStore> {
  return new DynamoStore(place, connectDynamo(place))
}

type Item = DynamoItem

interface Page {
  Items: Item[]
  LastEvaluatedKey?: Item
}

// Uses `#` names because DynamoDB's list of reserved words grows and GeminiDB's is not published.
const NAMES = { "#stream": "stream", "#seq": "seq" }

class DynamoStore implements LedgerStore {
  readonly #table: string
  readonly #where: string
  readonly #place: DynamoPlace
  readonly #connection: DynamoConnection
  #isMade = false

  constructor(place: DynamoPlace, connection: DynamoConnection) {
    this.#place = place
    this.#table = place.table
    this.#where = placeName(place)
    this.#connection = connection
  }

  async head(stream: string): Promise<RawEntry | undefined> {
    let start: Item | undefined
    do {
      const page = await this.#query({
        KeyConditionExpression: "#stream = :stream",
        ExpressionAttributeNames: { "#stream": "stream" },
        ExpressionAttributeValues: { ":stream": { S: stream } },
        ScanIndexForward: false,
        Limit: 1,
        ExclusiveStartKey: start,
      })
      const [newest] = page.items
      if (newest !== undefined) return rawOf(newest)
      // An empty page that has a next page does not mean that the stream is empty.
      start = page.next
    } while (start !== undefined)
    return undefined
  }

  /** Reads a stream by its own query if it has a newer entry, or if no batch returned a result for it. */
  async heads(queries: readonly HeadQuery[]): Promise<HeadResult[]> {
    const known = await readKnownHeads(this.#connection, { table: this.#table, queries })
    return readOneByOne(queries, async ({ stream }) => {
      const item = known.get(stream)
      return item ? rawOf(item) : this.head(stream)
    })
  }

  /**
   * The condition requires only that this seq is free. It is then one past the newest: the chain has read the
   * previous entry, and entries are never removed, so none can follow the first free seq.
   */
  append(stream: string, raw: RawEntry): Promise<"appended" | "conflict"> {
    return this.#putIf("attribute_not_exists(#stream)", stream, raw)
  }

  async #putIf(condition: string, stream: string, raw: RawEntry): Promise<"appended" | "conflict"> {
    const put = {
      TableName: this.#table,
      Item: { stream: { S: stream }, seq: { N: String(raw.seq) }, entry: { S: raw.text } },
      ConditionExpression: condition,
      ExpressionAttributeNames: { "#stream": "stream" },
    }
    try {
      await this.#connection.write("PutItem", put)
      return "appended"
    } catch (error) {
      if (isRefusal(error, "ConditionalCheckFailedException")) return "conflict"
      return this.#fail(error)
    }
  }

  async create(): Promise<void> {
    if (await this.#isThere()) return
    await createDynamoTable(this.#place)
    this.#isMade = true
  }

  /** Only for a table that `create` has just made at AWS. Others are their owner's; GeminiDB has backups. */
  async protect(): Promise<string | null> {
    return this.#isMade && this.#place.endpoint === null ? recoverByTime(this.#place) : null
  }

  /**
   * Checks what an append needs: the table's key, the right to write, and that the server honours conditions.
   * The query over a range of `seq` fails unless `seq` is a numeric sort key. The condition of the write is
   * never true, so nothing is written.
   */
  async checkWritable(): Promise<void> {
    if (!(await this.#isThere())) throw noLedgerAt(`the table ${this.#table} (${this.#where})`)
    const never = "attribute_exists(#stream) AND attribute_not_exists(#stream)"
    if ((await this.#putIf(never, "writable", { seq: 0, text: "" })) === "conflict") return
    throw new LedgerError(
      `the ledger table ${this.#table} (${this.#where}) ignores the conditions of a write, so it cannot hold a ledger`,
    )
  }

  /** True if the table exists. Throws LedgerError if its key is not `stream` (S) and `seq` (N). */
  async #isThere(): Promise<boolean> {
    const query = {
      TableName: this.#table,
      ConsistentRead: true,
      KeyConditionExpression: "#stream = :stream AND #seq >= :from",
      ExpressionAttributeNames: NAMES,
      ExpressionAttributeValues: { ":stream": { S: "control" }, ":from": { N: "1" } },
      Limit: 1,
    }
    try {
      await this.#connection.read("Query", query)
      return true
    } catch (error) {
      return isMissing(error) ? false : this.#fail(error)
    }
  }

  async *read(stream: string, range: SeqRange = {}): AsyncIterable<RawEntry> {
    const from = range.fromSeq ?? 1
    const to = range.toSeq ?? Number.MAX_SAFE_INTEGER
    // DynamoDB rejects a BETWEEN with reversed bounds. Here such a range is just empty.
    if (from > to) return
    let start: Item | undefined
    do {
      const page = await this.#query({
        KeyConditionExpression: "#stream = :stream AND #seq BETWEEN :from AND :to",
        ExpressionAttributeNames: NAMES,
        ExpressionAttributeValues: {
          ":stream": { S: stream },
          ":from": { N: String(from) },
          ":to": { N: String(to) },
        },
        ExclusiveStartKey: start,
      })
      yield* page.items.map(rawOf)
      start = page.next
    } while (start !== undefined)
  }

  /** Reads, and pays for, the whole table, because a chain must be found even if its first entry is gone. */
  async *streams(): AsyncIterable<string> {
    const seen = new Set<string>()
    let start: Item | undefined
    do {
      const scan = {
        TableName: this.#table,
        ConsistentRead: true,
        ProjectionExpression: "#stream",
        ExpressionAttributeNames: { "#stream": "stream" },
        ExclusiveStartKey: start,
      }
      const page = await this.#page("Scan", scan)
      for (const item of page.Items) {
        const stream = item["stream"]?.S ?? ""
        if (!seen.has(stream)) yield stream
        seen.add(stream)
      }
      start = page.LastEvaluatedKey
    } while (start !== undefined)
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }

  async #query(query: object) {
    const page = await this.#page("Query", { ...query, TableName: this.#table, ConsistentRead: true })
    return { items: page.Items, next: page.LastEvaluatedKey }
  }

  #page(operation: "Query" | "Scan", input: object): Promise<Page> {
    return this.#connection
      .read<Partial<Page> & { Count?: number }>(operation, input)
      .then(({ Items, Count, ...page }) => {
        // A response that is not from a table must not read as a ledger without entries.
        const items = Items ?? (Count === 0 ? [] : null)
        if (!Array.isArray(items) || !items.every(isItem)) throw new DynamoRefusal(200, null)
        return { ...page, Items: items }
      })
      .catch((error: unknown) => (isMissing(error) ? { Items: [] } : this.#fail(error)))
  }

  #fail(error: unknown): never {
    if (isMissing(error)) throw noLedgerAt(`the table ${this.#table} (${this.#where})`)
    throw dynamoFailure(error, this.#table, this.#where)
  }
}

function isItem(item: unknown): item is Item {
  return typeof item === "object" && item !== null
}

// An item without `entry` is not ours. It becomes an empty text, which the chain rejects.
function rawOf(item: Item): RawEntry {
  return { seq: Number(item["seq"]?.N), text: item["entry"]?.S ?? "" }
}
