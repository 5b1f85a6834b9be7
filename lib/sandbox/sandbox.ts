import type { Server } from "node:http"
import { setTimeout as realSleep } from "node:timers/promises"
import type * as z from "zod"
import { type Controls, controlsOf } from "./admin/controls.ts"
import { failureQueue } from "./failures.ts"
import { type SandboxDependencies, serverOf } from "./listener.ts"
import type { ReceivedRequest } from "./received.ts"
import { clockOn } from "./world/clock.ts"
import { DEFAULT_ACCESS_KEY, DEFAULT_SUPERNODE } from "./world/defaults.ts"
import { sandboxOptions } from "./world/options.ts"
import { parseOrThrow } from "./world/problem.ts"
import { liveSupernode, PAID, type SandboxOrder, TRACING, type World } from "./world/world.ts"

// A local ModelArts and Cloud Eye, for trying the autoscaler and for its tests. It behaves as documented in
// docs/huawei-api.md and on the live-scale-up API page, in the stricter sense if these are unclear:
// SDK-HMAC-SHA256 signatures are verified, bodies and queries must keep the documented limits, and
// undocumented input is refused.
//
// The cloud side (signed):
//   GET  /v1/{project_id}/dev-servers/hyperinstance                        supernodes, by pages
//   GET  /v1/{project_id}/dev-servers/hyperinstance/{id}                   a supernode and its servers
//   GET  /v1/{project_id}/dev-servers/hyperinstance/{id}/servers           its servers, by pages
//   GET  /v1/{project_id}/dev-servers/hyperinstance/{id}/scale-evaluations flavors that it may be scaled to
//   POST /v1/{project_id}/dev-servers/hyperinstance/{id}/live-scale-up     the order
//   POST /V1.0/{project_id}/batch-query-metric-data                        Cloud Eye's datapoints
//   GET  /V1.0/{project_id}/metrics                                        existing series
//   GET  /v2/orders/customer-orders/details/{order_id}                     the billing service's order
//   GET  /v3/{project_id}/traces                                           CTS's traces of live-scale-up, by pages
//
// The admin side (unsigned, JSON, this machine only; wrong requests get 400 `{ "problems": ["path: problem"] }`).
// `supernode` is an id or a name, and optional if there is only one:
//   GET    /sandbox/state     clock, supernodes, offers, orders
//   PUT    /sandbox/load      { load | sharedLoad, servers?, silent?, supernode? }; servers and silent name a server, or
//                             one of its cards as SERVER/CARD if a supernode has `npus`; a load is a number or
//                             [{ from?: ISO time | ms from now, value: number | null }]; it replaces the past too
//   PUT    /sandbox/offers    { flavor, soldOut, supernode? } or { offers: [{ flavor, servers, soldOut? }], supernode? }
//   PUT    /sandbox/status    { of: id or name of a supernode or server, status }
//   PUT    /sandbox/payment   { status, amount?, currency? }: billing state of every order
//   PUT    /sandbox/traces    { isEnabled?, delayMs?, pageSize? }: whether and when CTS lists traces of later requests
//   POST   /sandbox/servers   { count, supernode? }: scaling by hand
//   POST   /sandbox/failures  { operation, failure, times? }; operations and failures: route.ts, failures.ts
//   DELETE /sandbox/failures
//   POST   /sandbox/clock     { advanceMs }; signatures and `Date` use this clock, so callers must share it
//   GET    /sandbox/requests  what the cloud side received, without credentials
//   DELETE /sandbox/requests

/**
 * All options are optional. `supernodes` and `accessKeys` default to those in defaults.ts. `now` and `sleep`
 * are for tests.
 */
export type SandboxOptions = z.input<typeof sandboxOptions>

/** A running sandbox. */
export interface Sandbox extends Controls {
  /** `http://127.0.0.1:PORT`: endpoint of both ModelArts and Cloud Eye. */
  url: string
  port: number
  /** Every request to the cloud side in the order of arrival, including refused ones. */
  requests: readonly ReceivedRequest[]
  /** The POSTs to live-scale-up among `requests`. */
  readonly scaleUps: readonly ReceivedRequest[]
  /** Accepted orders: the money spent. */
  orders: readonly SandboxOrder[]
  /** Clears `requests`, but not `orders`. */
  forgetRequests(): void
  /** Stops the server, and drops requests that still wait for an answer. */
  close(): Promise<void>
}

/**
 * Starts a sandbox on loopback. Throws `SandboxError` on wrong options, and the error of node:net for a port
 * in use.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const parsed = parseOrThrow(sandboxOptions, options)
  const clock = clockOn(parsed.now ?? Date.now)
  const supernodes =
    parsed.supernodes ?? parseOrThrow(sandboxOptions, { supernodes: [DEFAULT_SUPERNODE] }).supernodes ?? []
  const world: World = {
    clock,
    keys: parsed.accessKeys ?? [DEFAULT_ACCESS_KEY],
    supernodes: supernodes.map((one) => liveSupernode(one, clock.now())),
    orders: [],
    provisioningMs: parsed.provisioningMs,
    payment: PAID,
    traces: [],
    tracing: TRACING,
  }
  const failures = failureQueue()
  const closing = new AbortController()
  const sleep = parsed.sleep ?? ((ms, signal) => realSleep(ms, undefined, { signal }))
  const deps: SandboxDependencies = {
    world,
    failures,
    requests: [],
    controls: controlsOf(world, failures),
    sleep,
    closing: closing.signal,
  }
  const server = serverOf(deps)
  await listening(server, parsed)
  return sandboxOf(deps, { server, stop: () => closing.abort() })
}

function sandboxOf(
  deps: SandboxDependencies,
  { server, stop }: { server: Server; stop: () => void },
): Sandbox {
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  return {
    ...deps.controls,
    url: `http://127.0.0.1:${port}`,
    port,
    requests: deps.requests,
    get scaleUps() {
      return deps.requests.filter((request) => request.operation === "scale-up")
    },
    orders: deps.world.orders,
    forgetRequests: () => {
      deps.requests.length = 0
    },
    close: () =>
      new Promise((resolve) => {
        stop()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function listening(server: Server, { port, host }: { port: number; host: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(port, host, () => {
      server.off("error", reject)
      resolve()
    })
  })
}
