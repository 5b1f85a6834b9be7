import { LedgerError } from "../../ports.ts"
import { readOneByOne } from "../head-reads.ts"
import {
  type AskedHead,
  type HeadAnswer,
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
 * A ledger in one table of the DynamoDB protocol: AWS's, or Huawei Cloud's GeminiDB, whose limits it keeps to
 * (single-item conditional writes, no transactions, values only as placeholders).
 * Item: `{ stream: S (partition key), seq: N (sort key), entry: S }`. Asks nothing of the network before its first use.
 * A table that is not there reads as a ledger without entries.
 */
export async function openDynamoStore(place: DynamoPlace): Promise<LedgerStore> {
  return new DynamoStore(place, connectDynamo(place))
}

type Item = DynamoItem

interface Page {
  Items: Item[]
  LastEvaluatedKey?: Item
}

// `#` names, since DynamoDB's list of reserved words grows and GeminiDB's is not published.
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
      // An empty page with more behind it says nothing of the stream.
      start = page.next
    } while (start !== undefined)
    return undefined
  }

  /** Streams whose newest entry moved on, and those that no batch answered, are asked for one by one. */
  async heads(asked: readonly AskedHead[]): Promise<HeadAnswer[]> {
    const known = await readKnownHeads(this.#connection, { table: this.#table, asked })
    return readOneByOne(asked, async ({ stream }) => {
      const item = known.get(stream)
      return item ? rawOf(item) : this.head(stream)
    })
  }

  /**
   * The condition only says that this seq is free. That makes it "one past the newest", since the chain has read the
   * entry before, and none is ever removed: after the first empty seq there can be no entry.
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

  /** A table that is there belongs to its owner, and GeminiDB has backups of its own. */
  async protect(): Promise<string | null> {
    return this.#isMade && this.#place.endpoint === null ? recoverByTime(this.#place) : null
  }

  /**
   * Asks what an append will ask: the key (a range over `seq` is refused where it is no sort key or no number), the right
   * to write, and that conditions are honoured. The condition can never hold, so nothing is written.
   */
  async checkWritable(): Promise<void> {
    if (!(await this.#isThere())) throw noLedgerAt(`the table ${this.#table} (${this.#where})`)
    const never = "attribute_exists(#stream) AND attribute_not_exists(#stream)"
    if ((await this.#putIf(never, "writable", { seq: 0, text: "" })) === "conflict") return
    throw new LedgerError(
      `the ledger table ${this.#table} (${this.#where}) ignores the conditions of a write: it cannot keep a ledger`,
    )
  }

  /** Whether the table is there. Throws LedgerError where its key is not `stream` (S) and `seq` (N). */
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
    // BETWEEN with its bounds the wrong way round is an error there, and simply nothing here.
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

  /** Reads (and pays for) the whole table. Not only the first entries, so that a beheaded chain is seen as well. */
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

  #page(operation: "Query" | "Scan", question: object): Promise<Page> {
    return this.#connection
      .read<Partial<Page> & { Count?: number }>(operation, question)
      .then(({ Items, Count, ...page }) => {
        // An answer of something else than a table must not read as a ledger without entries.
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

// A foreign item without text becomes an empty text, which the chain refuses by name.
function rawOf(item: Item): RawEntry {
  return { seq: Number(item["seq"]?.N), text: item["entry"]?.S ?? "" }
}
