import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { closeServer, listenOnLoopback } from "../../world/loopback.ts"

// A fake CloudWatch for the protocol of this version of the SDK: JSON 1.0 by POST, times in seconds. It
// refuses the protocols of older or newer versions (query, CBOR), so that a change of protocol is noticed
// here and not on AWS.

export interface AskedMetric {
  Id: string
  MetricStat: {
    Metric: { Namespace: string; MetricName: string; Dimensions: { Name: string; Value: string }[] }
    Period: number
    Stat: string
  }
}

export interface AskedData {
  MetricDataQueries: AskedMetric[]
  StartTime: number
  EndTime: number
  ScanBy: string
  MaxDatapoints: number
  NextToken?: string
}

export type Result = {
  Id: string
  Timestamps?: number[]
  Values?: number[]
  StatusCode?: string
  Messages?: object[]
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/[a-z0-9-]+\/monitoring\/aws4_request, SignedHeaders=[a-z0-9;-]+, Signature=[0-9a-f]{64}$/

export class CloudWatchServer {
  url = ""
  readonly asked: AskedData[] = []
  readonly authorizations: string[] = []
  /** Value of a metric at the start of a period (epoch milliseconds); `null` for no sample. */
  valueAt: (metric: AskedMetric["MetricStat"], at: number) => number | null = () => 97
  /** Changes the results, and may add the token of a further page. */
  alter: (results: Result[], asked: AskedData) => { MetricDataResults?: Result[]; NextToken?: string } = (
    results,
  ) => ({
    MetricDataResults: results,
  })
  /** Called for each request; returns true if it handles the response itself. */
  instead: (response: ServerResponse, asked: AskedData) => boolean = () => false

  private constructor(private readonly server: Server) {}

  static async start(): Promise<CloudWatchServer> {
    const server = createServer()
    const made = new CloudWatchServer(server)
    server.on("request", (request, response) => void made.serve(request, response))
    made.url = `http://127.0.0.1:${await listenOnLoopback(server)}`
    return made
  }

  close(): Promise<void> {
    return closeServer(this.server)
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ""
    for await (const chunk of request) body += chunk
    const { authorization = "" } = request.headers
    this.authorizations.push(authorization)
    const isOurs =
      request.method === "POST" &&
      request.headers["content-type"] === "application/x-amz-json-1.0" &&
      request.headers["x-amz-target"] === "GraniteServiceVersion20100801.GetMetricData"
    if (!isOurs)
      return fail(response, 404, "UnknownOperationException", "not the protocol that is known here")
    if (!AUTHORIZATION.test(authorization))
      return fail(response, 403, "MissingAuthenticationTokenException", "no SigV4 signature")
    const asked = JSON.parse(body) as AskedData
    this.asked.push(asked)
    if (this.instead(response, asked)) return
    const results = asked.MetricDataQueries.map((query) => this.result(query, asked))
    send(response, 200, { Messages: [], ...this.alter(results, asked) })
  }

  /** Newest first, as requested; periods count from the start of the window, as CloudWatch's do. */
  private result({ Id, MetricStat }: AskedMetric, { StartTime, EndTime }: AskedData): Result {
    const times: number[] = []
    for (let at = StartTime; at < EndTime; at += MetricStat.Period) times.unshift(at)
    const found = times.flatMap((at) => {
      const value = this.valueAt(MetricStat, at * 1_000)
      return value === null ? [] : [{ at, value }]
    })
    return {
      Id,
      StatusCode: "Complete",
      Timestamps: found.map(({ at }) => at),
      Values: found.map(({ value }) => value),
    }
  }
}

export function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(body))
}

export function fail(response: ServerResponse, status: number, code: string, message: string): void {
  send(response, status, { __type: `com.amazonaws.cloudwatch#${code}`, message })
}
