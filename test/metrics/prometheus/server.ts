import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { createServer as createTlsServer } from "node:https"
import { closeServer, listenOnLoopback } from "../../world/loopback.ts"

/** Series of the fake: its labels, and its value at an instant (epoch milliseconds); `null` for no sample. */
export interface FakeSeries {
  labels: Record<string, string>
  at: (instant: number) => number | string | null
}

export interface AskedRange {
  method: string
  path: string
  headers: IncomingMessage["headers"]
  query: string
  /** In seconds, as received. */
  start: string
  end: string
  step: string
}

/** A fake of the part of Prometheus' HTTP API that a range query needs; it records its requests. */
export class PrometheusServer {
  readonly asked: AskedRange[] = []
  inFlight = 0
  #port = 0
  mostInFlight = 0
  /** Result of an expression. */
  evaluate: (query: string) => FakeSeries[] = () => [{ labels: {}, at: () => 97 }]
  /** Called for each request; returns true if it handles the response itself. */
  instead: (asked: AskedRange, response: ServerResponse) => boolean = () => false

  private constructor(
    private readonly server: Server,
    readonly isTls: boolean,
  ) {}

  static async start(tls?: { key: string; cert: string }): Promise<PrometheusServer> {
    const server = tls ? createTlsServer(tls) : createServer()
    const made = new PrometheusServer(server, tls !== undefined)
    server.on("request", (request, response) => void made.serve(request, response))
    made.#port = await listenOnLoopback(server)
    return made
  }

  get url(): string {
    return this.isTls ? `https://localhost:${this.#port}` : `http://127.0.0.1:${this.#port}`
  }

  close(): Promise<void> {
    return closeServer(this.server)
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.inFlight += 1
    this.mostInFlight = Math.max(this.mostInFlight, this.inFlight)
    response.on("close", () => {
      this.inFlight -= 1
    })
    let body = ""
    for await (const chunk of request) body += chunk
    const url = new URL(request.url ?? "/", this.url)
    const form = request.method === "POST" ? new URLSearchParams(body) : url.searchParams
    const field = (name: string) => form.get(name) ?? ""
    const asked: AskedRange = {
      method: request.method ?? "",
      path: url.pathname,
      headers: request.headers,
      query: field("query"),
      start: field("start"),
      end: field("end"),
      step: field("step"),
    }
    this.asked.push(asked)
    if (this.instead(asked, response)) return
    json(response, 200, { status: "success", data: { resultType: "matrix", result: this.matrix(asked) } })
  }

  private matrix({ query, start, end, step }: AskedRange) {
    return this.evaluate(query).map(({ labels, at }) => {
      const values: [number, string][] = []
      for (let second = Number(start); second <= Number(end); second += Number(step)) {
        const value = at(second * 1_000)
        if (value !== null) values.push([second, String(value)])
      }
      return { metric: labels, values }
    })
  }
}

export function json(response: ServerResponse, status: number, body: unknown): true {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
  return true
}
