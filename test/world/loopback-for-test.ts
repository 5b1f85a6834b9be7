import { createServer, type RequestListener } from "node:http"
import type { Server } from "node:net"
import { onTestFinished } from "vitest"
import { closeServer, listenOnLoopback } from "./loopback.ts"

/** Port of a server that listens until the end of the test. */
export async function portForTest(server: Server): Promise<number> {
  const port = await listenOnLoopback(server)
  onTestFinished(() => closeServer(server))
  return port
}

/** URL of an HTTP server that responds by `answer` until the end of the test. */
export async function httpForTest(answer: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await portForTest(createServer(answer))}`
}
