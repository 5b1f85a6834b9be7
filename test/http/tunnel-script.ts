import { connect, type Socket } from "node:net"
import type { Script } from "../huawei/wire.ts"

/** The answer of a proxy that opened the tunnel. */
export const TUNNEL_STANDS = "HTTP/1.1 200 Connection established\r\n\r\n"

/** From here on the proxy passes bytes on, both ways. */
export function relay(client: Socket, port: number): void {
  const upstream = connect(port, "127.0.0.1")
  upstream.on("error", () => undefined)
  client.on("data", (chunk) => upstream.write(chunk))
  client.on("close", () => upstream.destroy())
  upstream.on("data", (chunk) => client.write(chunk))
  upstream.on("close", () => client.destroy())
}

/** A proxy that answers CONNECT with 200 and leads to this port, whatever was asked for. */
export function tunnelTo(port: number): Script {
  return {
    onRequest: (socket) => {
      relay(socket, port)
      socket.write(TUNNEL_STANDS)
    },
  }
}
