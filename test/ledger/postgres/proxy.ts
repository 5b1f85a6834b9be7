import { type Fate, TcpProxy } from "../tcp-proxy.ts"

/** Fate of a commit on its way. */
export type CommitFate = Exclude<Fate, "hang">

/** A TCP proxy before a PostgreSQL server. Interferes only with commits, in order of arrival. */
export class PostgresProxy {
  commits = 0
  readonly #fates: CommitFate[]
  readonly #proxy: TcpProxy

  constructor(target: number, fates: CommitFate[]) {
    this.#fates = fates
    this.#proxy = new TcpProxy(target, (bytes) => this.#fateOf(bytes))
  }

  start(): Promise<number> {
    return this.#proxy.start()
  }

  stop(): Promise<void> {
    return this.#proxy.stop()
  }

  #fateOf(bytes: Buffer): Fate | null {
    if (!bytes.toString("latin1").startsWith("Q") || !bytes.includes("commit\0")) return null
    this.commits += 1
    return this.#fates.shift() ?? "pass"
  }
}
