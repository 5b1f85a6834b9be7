import type { IncomingHttpHeaders } from "node:http"
import type { Operation } from "./api/route.ts"

/** One request to the cloud side, kept from the moment its headers arrived. */
export interface ReceivedRequest {
  /** `X-Request-Id` of the answer. */
  requestId: string
  /** Epoch milliseconds of the sandbox's clock. */
  at: number
  method: string
  /** As on the wire, without and with the query. */
  path: string
  url: string
  headers: IncomingHttpHeaders
  /** As text; "" until `isComplete`. */
  body: string
  /** Whether all of its body arrived. */
  isComplete: boolean
  /** null where no such API exists. */
  operation: Operation | null
  /** Which TCP connection it came by, counted from 1. */
  connection: number
  /** What was sent back; null while nothing was, and for good after a hang or a reset. */
  answer: { status: number; code: string | null } | null
}

const SECRET_HEADERS = ["authorization", "x-security-token", "x-auth-token"]

/** The same without what somebody's real credentials might be in. */
export function withoutSecrets(request: ReceivedRequest): ReceivedRequest {
  const kept = Object.entries(request.headers).filter(([name]) => !SECRET_HEADERS.includes(name))
  return { ...request, headers: Object.fromEntries(kept) }
}
