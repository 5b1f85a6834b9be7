import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net"
import { createServer as createTlsServer, type TlsOptions } from "node:tls"
import { onTestFinished } from "vitest"

/** Actions of a raw server on a connection. Each is optional. */
export interface Script {
  onConnect?: (socket: Socket) => void
  /** Called at the first bytes of a request. */
  onBytes?: (socket: Socket) => void
  /** Called when the whole request has arrived, by its content-length. */
  onRequest?: (socket: Socket, request: string) => void
}

/** A TCP or TLS server that counts what really arrives. */
export interface Wire {
  port: number
  /** Everything received, over all connections. */
  received(): string
  requestLines(): number
  connections(): number
  close(): Promise<void>
}

/** Like `startWire`, but closes the server at the end of the current test. */
export async function wireOf(...args: Parameters<typeof startWire>): Promise<Wire> {
  const wire = await startWire(...args)
  onTestFinished(() => wire.close())
  return wire
}

export async function startWire(
  script: Script,
  options: { tls?: TlsOptions; port?: number; host?: string } = {},
): Promise<Wire> {
  const streams: string[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const serve = (socket: Socket) => {
    const stream = streams.push("") - 1
    let isAnswered = false
    socket.on("error", () => undefined)
    socket.on("data", (chunk) => {
      const before = streams[stream] ?? ""
      const now = before + chunk.toString("latin1")
      streams[stream] = now
      if (before === "") script.onBytes?.(socket)
      if (isAnswered || !isWhole(now)) return
      isAnswered = true
      script.onRequest?.(socket, now)
    })
    script.onConnect?.(socket)
  }
  const server: Server = options.tls ? createTlsServer(options.tls, serve) : createTcpServer(serve)
  server.on("tlsClientError", () => undefined)
  // Connections are counted below TLS, so that failed handshakes count, too.
  server.on("connection", (socket: Socket) => {
    connections++
    sockets.add(socket)
    socket.on("error", () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, options.host ?? "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    received: () => streams.join(""),
    requestLines: () => streams.join("").match(/[A-Z]+ \S+ HTTP\/1\.1\r\n/g)?.length ?? 0,
    connections: () => connections,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n")
  const length = Number(/^content-length: (\d+)\r$/im.exec(text)?.[1] ?? 0)
  return end >= 0 && text.length >= end + 4 + length
}

/** An HTTP response as text. `content-length` is correct unless `headers` sets another. */
export function answer(status: number, body: unknown = "", headers: Record<string, string> = {}): string {
  const text = typeof body === "string" ? body : JSON.stringify(body)
  const all = { "content-length": String(Buffer.byteLength(text)), ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} Said\r\n${lines.join("")}\r\n${text}`
}

/** A script that responds to each complete request with the same text. */
export function says(text: string): Script {
  return { onRequest: (socket) => socket.write(text) }
}

/** A script that responds to each complete request with a body in this encoding. */
export function saysBytes(status: number, body: Buffer, encoding: string): Script {
  const head = `HTTP/1.1 ${status} Said\r\ncontent-length: ${body.length}\r\ncontent-encoding: ${encoding}\r\n\r\n`
  return { onRequest: (socket) => socket.write(Buffer.concat([Buffer.from(head), body])) }
}
