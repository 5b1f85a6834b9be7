import { connect, type Socket } from "node:net"
import type { Script } from "../huawei/wire.ts"

/** Response of a proxy that has opened the tunnel. */
export const TUNNEL_STANDS = "HTTP/1.1 200 Connection established\r\n\r\n"

/** Passes bytes both ways between the client and the port. */
export function relay(client: Socket, port: number): void {
  const upstream = connect(port, "127.0.0.1")
  upstream.on("error", () => undefined)
  client.on("data", (chunk) => upstream.write(chunk))
  client.on("close", () => upstream.destroy())
  upstream.on("data", (chunk) => client.write(chunk))
  upstream.on("close", () => client.destroy())
}

/** A proxy that responds 200 to CONNECT and tunnels to this port, whatever target was requested. */
export function tunnelTo(port: number): Script {
  return {
    onRequest: (socket) => {
      relay(socket, port)
      socket.write(TUNNEL_STANDS)
    },
  }
}
