import type { IncomingHttpHeaders } from "node:http"
import type * as z from "zod"
import { jsonBodyOf } from "../json-body.ts"
import { type ReceivedRequest, withoutSecrets } from "../received.ts"
import { ok, type SandboxResponse } from "../response.ts"
import { adminBodies } from "../world/options.ts"
import { parseOrThrow, SandboxError } from "../world/problem.ts"
import type { Controls } from "./controls.ts"

// The admin side, /sandbox/…: unsigned JSON for clients on this machine. sandbox.ts lists the routes.

/** One request to the admin side. */
export interface AdminRequest {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: Uint8Array
}

export interface AdminSubject {
  controls: Controls
  requests: ReceivedRequest[]
}

type Act = (subject: AdminSubject, body: unknown) => unknown

function withBody<S extends z.ZodType>(
  schema: S,
  act: (subject: AdminSubject, body: z.output<S>) => unknown,
): Act {
  return (subject, body) => act(subject, parseOrThrow(schema, body))
}

const ROUTES: Record<string, Act> = {
  "GET /sandbox/state": ({ controls }) => controls.state(),
  "GET /sandbox/requests": ({ requests }) => ({ requests: requests.map(withoutSecrets) }),
  "DELETE /sandbox/requests": ({ requests }) => {
    requests.length = 0
  },
  "DELETE /sandbox/failures": ({ controls }) => controls.clearFailures(),
  "PUT /sandbox/load": withBody(adminBodies.load, ({ controls }, { supernode, ...load }) =>
    controls.setLoad(load, supernode),
  ),
  "PUT /sandbox/offers": withBody(adminBodies.offers, ({ controls }, body) => {
    if ("offers" in body) controls.setOffers(body.offers, body.supernode)
    else controls.setSoldOut(body.flavor, body.soldOut, body.supernode)
  }),
  "PUT /sandbox/status": withBody(adminBodies.status, ({ controls }, { of, status }) =>
    controls.setStatus(of, status),
  ),
  "PUT /sandbox/payment": withBody(adminBodies.payment, ({ controls }, payment) =>
    controls.setPayment(payment),
  ),
  "PUT /sandbox/traces": withBody(adminBodies.traces, ({ controls }, tracing) =>
    controls.setTracing(tracing),
  ),
  "POST /sandbox/servers": withBody(adminBodies.servers, ({ controls }, { count, supernode }) => ({
    servers: controls.addServers(count, supernode),
  })),
  "POST /sandbox/failures": withBody(adminBodies.failures, ({ controls }, { operation, failure, times }) =>
    controls.failNext(operation, failure, times),
  ),
  "POST /sandbox/clock": withBody(adminBodies.clock, ({ controls }, { advanceMs }) => ({
    now: controls.advance(advanceMs),
  })),
}

/** Answers a request to /sandbox/…: 200, or 400, 403, 404 with `{ problems: [...] }`. */
export function answerAdmin(subject: AdminSubject, request: AdminRequest): SandboxResponse {
  // A website can resolve its own name to loopback, but then the browser's Host header is not 127.0.0.1.
  if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(request.headers.host ?? "")) {
    return refused(403, ["Host must be 127.0.0.1 or localhost"])
  }
  const act = ROUTES[`${request.method} ${request.path}`]
  if (!act)
    return refused(404, [
      `there is no ${request.method} ${request.path}; known: ${Object.keys(ROUTES).join(", ")}`,
    ])
  const needsBody = request.method === "PUT" || request.method === "POST"
  const json = jsonBodyOf({ contentType: request.headers["content-type"], body: request.body })
  if (needsBody && !json.ok) return refused(400, [json.why])
  try {
    return ok(act(subject, json.ok ? json.value : undefined) ?? {})
  } catch (error) {
    if (error instanceof SandboxError) return refused(400, error.problems)
    throw error
  }
}

function refused(status: number, problems: string[]): SandboxResponse {
  return { status, body: { problems } }
}
