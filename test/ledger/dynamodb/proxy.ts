import { type Fate, TcpProxy } from "../tcp-proxy.ts"

/** Fate of a PutItem request on its way. */
export type PutFate = Fate

/**
 * A TCP proxy before a DynamoDB-protocol server. Interferes only with PutItem requests, in order of arrival.
 */
export class DynamoProxy {
  /** Number of PutItem requests so far. */
  puts = 0
  /** Everything that clients have sent, headers and bodies. */
  sent = ""
  readonly #fates: PutFate[]
  readonly #proxy: TcpProxy

  constructor(target: number, fates: PutFate[]) {
    this.#fates = fates
    this.#proxy = new TcpProxy(target, (bytes) => this.#fateOf(bytes))
  }

  async start(): Promise<string> {
    return `http://127.0.0.1:${await this.#proxy.start()}`
  }

  stop(): Promise<void> {
    return this.#proxy.stop()
  }

  #fateOf(bytes: Buffer): Fate | null {
    this.sent += bytes.toString("latin1")
    if (!bytes.includes("x-amz-target")) return null
    if (!bytes.includes("DynamoDB_20120810.PutItem")) return "pass"
    this.puts += 1
    return this.#fates.shift() ?? "pass"
  }
}
