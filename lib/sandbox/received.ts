import type { Operation } from "./api/route.ts"

/** By lower-case name, as node:http has them. Spelled out, since a user of the package may lack the types of Node.js. */
export type ReceivedHeaders = Record<string, string | string[] | undefined>

/** One request to the cloud side, kept from the moment its headers arrived. */
export interface ReceivedRequest {
  /** `X-Request-Id` of the answer. */
  requestId: string
  /** Epoch milliseconds of the sandbox's clock. */
  at: number
  method: string
  /** As received, without and with the query. */
  path: string
  url: string
  headers: ReceivedHeaders
  /** As text; "" until `isComplete`. */
  body: string
  /** True if all of its body arrived. */
  isComplete: boolean
  /** null if no such API exists. */
  operation: Operation | null
  /** Number of its TCP connection, counted from 1. */
  connection: number
  /** The answer; null until it is sent, and for good after a hang or a reset. */
  answer: { status: number; code: string | null } | null
}

const SECRET_HEADERS = ["authorization", "x-security-token", "x-auth-token"]

/** The same without fields that may contain real credentials. */
export function withoutSecrets(request: ReceivedRequest): ReceivedRequest {
  const kept = Object.entries(request.headers).filter(([name]) => !SECRET_HEADERS.includes(name))
  return { ...request, headers: Object.fromEntries(kept) }
}
