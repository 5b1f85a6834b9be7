import { LedgerError } from "../../ports.ts"
import { messageOf } from "../store.ts"

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

/** The table is not there; a mistyped name looks the same. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && error.name === "ResourceNotFoundException"
}

function says(name: string, error: unknown): string {
  if (NO_ACCESS.has(name)) return "cannot be used with these credentials, or the credentials are missing"
  if (THROTTLED.has(name)) return "is throttled; give it more capacity"
  if (name === "ValidationException") return "refuses the request; its key must be stream (S) and seq (N)"
  // Whatever carries no answer of the service: DNS, refused, reset, timed out, aborted.
  return answered(error) ? "answered with an error" : "cannot be reached"
}

function answered(error: unknown): boolean {
  if (typeof error !== "object" || error === null || !("$metadata" in error)) return false
  const { $metadata } = error
  return (
    typeof $metadata === "object" &&
    $metadata !== null &&
    "httpStatusCode" in $metadata &&
    $metadata.httpStatusCode !== undefined
  )
}
