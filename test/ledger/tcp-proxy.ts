import { connect, createServer, type Socket } from "node:net"
import { closeServer, listenOnLoopback } from "../world/loopback.ts"

/**
 * Fate of a request on its way: `pass` · `drop-answer`: the server acts, but its response is cut off ·
 * `drop-request`: the connection is cut off before the server gets the request · `hang`: the server never
 * gets it · `hang-after`: the server acts, but its response never arrives.
 */
export type Fate = "pass" | "drop-answer" | "drop-request" | "hang" | "hang-after"

/**
 * A TCP proxy on loopback before a server. `fateOf` returns the fate of the next bytes; `null` keeps the last
 * one.
 */
export class TcpProxy {
  readonly #sockets = new Set<Socket>()
  readonly #server = createServer((client) => this.#serve(client))
  readonly #target: number
  readonly #fateOf: (bytes: Buffer) => Fate | null

  constructor(target: number, fateOf: (bytes: Buffer) => Fate | null) {
    this.#target = target
    this.#fateOf = fateOf
  }

  /** Returns the port that it listens on. */
  start(): Promise<number> {
    return listenOnLoopback(this.#server)
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await closeServer(this.#server)
  }

  #serve(client: Socket): void {
    const upstream = connect(this.#target, "127.0.0.1")
    let fate: Fate = "pass"
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket)
      socket.on("error", () => {})
      socket.on("close", () => {
        client.destroy()
        upstream.destroy()
      })
    }
    client.on("data", (bytes) => {
      fate = this.#fateOf(bytes) ?? fate
      if (fate === "drop-request") client.destroy()
      else if (fate !== "hang") upstream.write(bytes)
    })
    upstream.on("data", (bytes) => {
      if (fate === "drop-answer") client.destroy()
      else if (fate !== "hang-after") client.write(bytes)
    })
  }
}
