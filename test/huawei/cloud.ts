import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { type CloudReader, cloudReader, type HttpOptions } from "../../lib/huawei/http.ts"
import { closeServer, listenOnLoopback } from "../world/loopback.ts"
import { KEYS, STILL } from "./fixture.ts"

export interface Asked {
  method: string
  url: string
  headers: IncomingMessage["headers"]
  body: string
}

export type Answering = (response: ServerResponse, asked: Asked, count: number) => void

/** A cloud on loopback that responds by a script and records its requests. */
export interface TestCloud {
  url: string
  asked: Asked[]
  close(): Promise<void>
}

export async function startCloud(answering: Answering): Promise<TestCloud> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    let body = ""
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString()
    })
    request.on("end", () => {
      const { method = "", url = "", headers } = request
      const question = { method, url, headers, body }
      asked.push(question)
      answering(response, question, asked.length)
    })
  })
  const url = `http://127.0.0.1:${await listenOnLoopback(server)}`
  return { url, asked, close: () => closeServer(server) }
}

/** Sends JSON, with a `Date` header only if `headers` has one. */
export function send(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
) {
  response.sendDate = false
  response.writeHead(status, { "content-type": "application/json", ...headers })
  response.end(typeof body === "string" ? body : JSON.stringify(body))
}

/** A reader that hardly waits between tries. */
export function readerOf(options: Partial<HttpOptions> = {}): CloudReader {
  return cloudReader({
    credentials: () => Promise.resolve(KEYS),
    clock: STILL,
    random: () => 0,
    ...options,
    // These end no try, even on a busy machine; a test that needs a shorter limit sets it.
    timeouts: { tryMs: 60_000, totalMs: 20_000, backoffMs: 1, ...options.timeouts },
  })
}
