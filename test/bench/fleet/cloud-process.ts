import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import type { CloudAsked, CloudOptions, CloudSeen } from "./cloud.ts"
import { FIRST_SERVERS } from "./policy.ts"

// ModelArts and Cloud Eye at minimal cost, in their own process. They check nothing, so that the bench
// measures our code.

const HOUR_MS = 3_600_000
const started = Date.now()
/** Number of servers by supernode, for supernodes that bought more than the first ones. */
const bought = new Map<string, number>()
const sockets = new Set<object>()
/** Number of orders by supernode. */
const orders = new Map<string, number>()
const seen: CloudSeen = { mostSockets: 0, requests: 0, purchases: 0, mostOrdersOfOne: 0 }
let options: CloudOptions = { load: 10, hanging: null, delayMs: 0 }

const server = createServer((request, response) => {
  seen.requests += 1
  const chunks: Buffer[] = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.on("end", () => {
    const reply = () => answer(request, response, Buffer.concat(chunks).toString())
    if (options.delayMs > 0) setTimeout(reply, options.delayMs)
    else reply()
  })
})
server.keepAliveTimeout = 60_000
server.on("connection", (socket) => {
  sockets.add(socket)
  seen.mostSockets = Math.max(seen.mostSockets, sockets.size)
  socket.once("close", () => sockets.delete(socket))
})
server.listen(0, "127.0.0.1", () => {
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})

process.once("disconnect", () => process.exit())
process.on("message", (text: string) => {
  const asked = JSON.parse(text) as CloudAsked
  if (asked.verb === "set") {
    options = { ...options, ...asked.options }
    seen.mostSockets = sockets.size
    if (asked.options.forget) bought.clear()
  }
  process.send?.({ ...seen })
})

function answer({ method, url = "" }: IncomingMessage, response: ServerResponse, body: string): void {
  const [, id = "", verb] = /\/hyperinstance\/([^/?]+)(?:\/([\w-]+))?/.exec(url) ?? []
  if (id !== "" && id === options.hanging) return
  const value = url.includes("/batch-query-metric-data") ? metrics(body) : about(id, verb, method)
  const text = JSON.stringify(value)
  response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) })
  response.end(text)
}

function about(id: string, verb: string | undefined, method: string | undefined): unknown {
  if (verb === "scale-evaluations")
    return { evaluations: [2, 4, 8].map((servers) => ({ flavor: `rung-${servers}`, is_sold_out: false })) }
  if (verb === "live-scale-up" && method === "POST") {
    seen.purchases += 1
    orders.set(id, (orders.get(id) ?? 0) + 1)
    seen.mostOrdersOfOne = Math.max(seen.mostOrdersOfOne, orders.get(id) ?? 0)
    bought.set(id, (bought.get(id) ?? FIRST_SERVERS) * 2)
  }
  return supernode(id)
}

function supernode(id: string): unknown {
  const count = bought.get(id) ?? FIRST_SERVERS
  const nth = id.slice(-12)
  const servers = Array.from({ length: count }, (_, k) => ({
    id: `a${k}000000-0000-4000-8000-${nth}`,
    name: `server-${k}`,
    status: k < FIRST_SERVERS ? "RUNNING" : "CREATING",
    flavor: `rung-${count}`,
    create_at: k < FIRST_SERVERS ? started - 9 * HOUR_MS : Date.now(),
    update_at: started - 9 * HOUR_MS,
    order_id: "CS2611280000001",
    cloud_server: { id: `c${k}${nth}`, hps_id: nth, hps_ecs_id: `e${k}000000-0000-4000-8000-${nth}` },
  }))
  return { id, name: `supernode-${nth}`, status: "ACTIVE", servers }
}

interface MetricQuery {
  metrics: object[]
  from: number
  to: number
  period: string
  filter: string
}

function metrics(body: string): unknown {
  const query = JSON.parse(body) as MetricQuery
  const periodMs = Number(query.period) * 1000
  const first = Math.ceil(query.from / periodMs) * periodMs
  const datapoints: object[] = []
  for (let timestamp = first; timestamp <= query.to; timestamp += periodMs)
    datapoints.push({ [query.filter]: options.load, timestamp })
  return { metrics: query.metrics.map((metric) => ({ ...metric, unit: "%", datapoints })) }
}
