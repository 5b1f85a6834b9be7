import { LedgerError } from "../../ports.ts"
import { messageOf } from "../store.ts"

/**
 * The server responded with an error, or with an unreadable body. `name` is the protocol's error name, such
 * as `ConditionalCheckFailedException`.
 */
export class DynamoRefusal extends Error {
  override readonly name: string
  readonly status: number

  constructor(status: number, json: unknown) {
    const fields = typeof json === "object" && json !== null ? (json as Record<string, unknown>) : {}
    const says = fields["message"] ?? fields["Message"]
    // For a wrong signature, the next paragraph repeats the signed headers, including the session token.
    const [first] = typeof says === "string" ? says.split(/\n\s*\n/) : []
    super(first || withoutReason(status))
    const type = fields["__type"]
    this.name = (typeof type === "string" && type.slice(type.lastIndexOf("#") + 1)) || "UnknownError"
    this.status = status
  }

  /** True if our clock may be so far off that the signature is too old or too new. */
  get isSkewed(): boolean {
    return SKEWED.has(this.name)
  }
}

/** The server did not respond: DNS, refused, reset or timed out. A write may still have arrived. */
export class NoDynamoAnswer extends Error {
  override readonly name = "NoDynamoAnswer"
}

function withoutReason(status: number): string {
  return status === 200 ? "status 200 with an unreadable response" : `status ${status} without a reason`
}

/** Errors if the time in a signature is too far from the server's clock. `InvalidSignatureException` has other causes, too. */
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

/** LedgerError for a DynamoDB failure: names the table, its location (`where`) and the remedy. */
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

/** True if the table does not exist, which includes a mistyped name. */
export function isMissing(error: unknown): boolean {
  return isRefusal(error, "ResourceNotFoundException")
}

/** True if the server responded with the error `name`. */
export function isRefusal(error: unknown, name: string): boolean {
  return error instanceof DynamoRefusal && error.name === name
}

function says(name: string, error: unknown): string {
  if (NO_ACCESS.has(name)) return "cannot be used with these credentials, or the credentials are missing"
  if (THROTTLED.has(name)) return "is throttled; give it more capacity"
  if (name === "ValidationException") return "rejected the request; its key must be stream (S) and seq (N)"
  // Any other error means that the server did not respond: DNS, refused, reset, timed out or aborted.
  return error instanceof DynamoRefusal ? "returned an error" : "cannot be reached"
}
