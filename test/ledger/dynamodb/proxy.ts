import { type AddressInfo, connect, createServer, type Socket } from "node:net"

/**
 * What becomes of a PutItem on its way: `pass` · `drop-answer`: the server writes, its answer is cut off · `drop-request`:
 * cut off before the server sees it · `hang`: never answered · `hang-after`: the server writes, its answer never comes.
 */
export type PutFate = "pass" | "drop-answer" | "drop-request" | "hang" | "hang-after"

/** A TCP proxy before a DynamoDB-protocol server; it meddles with PutItem requests alone, in order of their arrival. */
export class DynamoProxy {
  /** How many PutItem requests came by. */
  puts = 0
  /** Everything clients have sent, heads and bodies. */
  sent = ""
  readonly #fates: PutFate[]
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((client) => this.#serve(client))
  readonly #target: number

  constructor(target: number, fates: PutFate[]) {
    this.#target = target
    this.#fates = fates
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve))
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #serve(client: Socket): void {
    const upstream = connect(this.#target, "127.0.0.1")
    let fate: PutFate = "pass"
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket)
      socket.on("error", () => {})
      socket.on("close", () => {
        client.destroy()
        upstream.destroy()
      })
    }
    client.on("data", (bytes) => {
      this.sent += bytes.toString("latin1")
      const isRequest = bytes.includes("x-amz-target")
      if (isRequest) fate = bytes.includes("DynamoDB_20120810.PutItem") ? this.#nextFate() : "pass"
      if (fate === "drop-request") client.destroy()
      else if (fate !== "hang") upstream.write(bytes)
    })
    upstream.on("data", (bytes) => {
      if (fate === "drop-answer") client.destroy()
      else if (fate !== "hang-after") client.write(bytes)
    })
  }

  #nextFate(): PutFate {
    this.puts += 1
    return this.#fates.shift() ?? "pass"
  }
}
