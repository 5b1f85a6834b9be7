/**
 * The four possible outcomes of one purchase request.
 *
 *   request byte sent? ── no ──▶ not-sent
 *        │ yes
 *        ▼
 *   an answer we may believe? ── 2xx naming the supernode or its servers ──▶ accepted
 *        │                    └─ 4xx with a listed (status, error_code)  ──▶ rejected
 *        ▼ no
 *     unknown: held until settled, never sent again
 */
export type Outcome = Accepted | Rejected | NotSent | Unknown

export interface Accepted {
  kind: "accepted"
  status: number
  /** `order_id` of the response, or the newest one among its servers; null if it has none. */
  orderId: string | null
  /** Header `X-Request-Id`. */
  requestId: string | null
  /** Ids of `servers[]` in the response. */
  servers: string[]
  raw: RawAnswer | null
}

export type RejectionClass =
  | "throttle"
  | "capacity"
  | "quota"
  | "balance"
  | "invalid"
  | "auth"
  | "state-conflict"
  | "not-found"

export interface Rejected {
  kind: "rejected"
  status: number
  class: RejectionClass
  code: string
  message: string | null
  /** `Retry-After`, milliseconds; null if the response had none. */
  retryAfterMs: number | null
  requestId: string | null
  raw: RawAnswer | null
}

/** No byte of the request was sent. `reason` is a kebab-case id; `says` the sentence. */
export interface NotSent {
  kind: "not-sent"
  reason: string
  says: string
}

export interface Unknown {
  kind: "unknown"
  reason: string
  says: string
  status: number | null
  code: string | null
  requestId: string | null
  raw: RawAnswer | null
}

/**
 * The raw answer, up to 1 MB, without secrets. `bytes` is its size as received; `truncated`: `body` is only
 * its beginning. Kept in `settled` entries only; there a long one is compressed (`encoding`), or cut, with
 * its `sha256`.
 */
export interface RawAnswer {
  body: string
  bytes: number
  truncated: boolean
  /** `gzip+base64`: `body` is base64 of the gzip of the text. Absent if `body` is the text itself. */
  encoding?: "gzip+base64"
  /** Hex SHA-256 of the whole text in UTF-8, if the entry holds it compressed or cut. */
  sha256?: string
}
