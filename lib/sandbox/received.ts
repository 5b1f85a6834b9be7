import type { Operation } from "./api/route.ts"

/** Headers by lower-case name, as in node:http. Not its type, since package users may lack Node.js types. */
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
  /** The answer; null until it is sent. It stays null after a hang or a reset. */
  answer: { status: number; code: string | null } | null
}

const SECRET_HEADERS = ["authorization", "x-security-token", "x-auth-token"]

/** The same request without headers that may contain real credentials. */
export function withoutSecrets(request: ReceivedRequest): ReceivedRequest {
  const safeHeaders = Object.entries(request.headers).filter(([name]) => !SECRET_HEADERS.includes(name))
  return { ...request, headers: Object.fromEntries(safeHeaders) }
}
