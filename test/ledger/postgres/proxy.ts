import { type AddressInfo, connect, createServer, type Socket } from "node:net"

/**
 * What becomes of a commit on its way: `drop-answer`: the server commits, the connection breaks before its answer ·
 * `drop-request`: it breaks before the server sees it · `hang-after`: the server commits, its answer never comes.
 */
export type CommitFate = "pass" | "drop-answer" | "drop-request" | "hang-after"

/** A TCP proxy before a PostgreSQL server; it meddles with commits alone, in order of their arrival. */
export class PostgresProxy {
  commits = 0
  readonly #fates: CommitFate[]
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((client) => this.#serve(client))
  readonly #target: number

  constructor(target: number, fates: CommitFate[]) {
    this.#target = target
    this.#fates = fates
  }

  async start(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve))
    return (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #serve(client: Socket): void {
    const upstream = connect(this.#target, "127.0.0.1")
    let fate: CommitFate = "pass"
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket)
      socket.on("error", () => {})
      socket.on("close", () => {
        client.destroy()
        upstream.destroy()
      })
    }
    client.on("data", (bytes) => {
      if (bytes.toString("latin1").startsWith("Q") && bytes.includes("commit\0")) {
        this.commits += 1
        fate = this.#fates.shift() ?? "pass"
      }
      if (fate === "drop-request") client.destroy()
      else upstream.write(bytes)
    })
    upstream.on("data", (bytes) => {
      if (fate === "drop-answer") client.destroy()
      else if (fate !== "hang-after") client.write(bytes)
    })
  }
}
