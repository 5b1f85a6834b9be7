import { LedgerError } from "../../ports.ts"
import { messageOf } from "../store.ts"

/** The server answered, and not with what was asked for. `name` is the protocol's own: `ConditionalCheckFailedException`. */
export class DynamoRefusal extends Error {
  override readonly name: string
  readonly status: number

  constructor(status: number, json: unknown) {
    const fields = typeof json === "object" && json !== null ? (json as Record<string, unknown>) : {}
    const says = fields["message"] ?? fields["Message"]
    // After a wrong signature a further paragraph repeats the signed headers, with the session token.
    const [first] = typeof says === "string" ? says.split(/\n\s*\n/) : []
    super(first || withoutReason(status))
    const type = fields["__type"]
    this.name = (typeof type === "string" && type.slice(type.lastIndexOf("#") + 1)) || "UnknownError"
    this.status = status
  }

  /** Our clock is so far off that the signature is too old or too new. */
  get isSkewed(): boolean {
    return SKEWED.has(this.name)
  }
}

/** No answer of the server: DNS, refused, reset, timed out; a write may have arrived. */
export class NoDynamoAnswer extends Error {
  override readonly name = "NoDynamoAnswer"
}

function withoutReason(status: number): string {
  return status === 200
    ? "status 200 with an answer that cannot be read"
    : `status ${status} without a reason`
}

/** As the server calls a signature from another time; the second one also names one that is plainly wrong. */
const SKEWED = new Set(["RequestTimeTooSkewed", "InvalidSignatureException", "RequestExpired"])

const NO_ACCESS = new Set([
  "AccessDeniedException",
  "UnrecognizedClientException",
  "InvalidSignatureException",
  "IncompleteSignatureException",
  "MissingAuthenticationTokenException",
  "ExpiredTokenException",
  "CredentialsProviderError",
])

const THROTTLED = new Set([
  "ProvisionedThroughputExceededException",
  "ThrottlingException",
  "RequestLimitExceeded",
])

/** A failure of the DynamoDB protocol in words that name the table, where it was looked for, and what to do. */
export function dynamoFailure(error: unknown, table: string, where: string): LedgerError {
  const name = error instanceof Error ? error.name : "Error"
  return new LedgerError(
    `the ledger table ${table} (${where}) ${says(name, error)} (${name}: ${messageOf(error)})`,
    {
      cause: error,
    },
  )
}

export function isThrottled({ name }: DynamoRefusal): boolean {
  return THROTTLED.has(name)
}

/** The table is not there; a mistyped name looks the same. */
export function isMissing(error: unknown): boolean {
  return isRefusal(error, "ResourceNotFoundException")
}

/** The server's own answer of that name. */
export function isRefusal(error: unknown, name: string): boolean {
  return error instanceof DynamoRefusal && error.name === name
}

function says(name: string, error: unknown): string {
  if (NO_ACCESS.has(name)) return "cannot be used with these credentials, or the credentials are missing"
  if (THROTTLED.has(name)) return "is throttled; give it more capacity"
  if (name === "ValidationException") return "refuses the request; its key must be stream (S) and seq (N)"
  // Whatever carries no answer of the service: DNS, refused, reset, timed out, aborted.
  return error instanceof DynamoRefusal ? "answered with an error" : "cannot be reached"
}
