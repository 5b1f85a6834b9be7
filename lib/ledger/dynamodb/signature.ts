import { createHash, createHmac } from "node:crypto"

// AWS Signature Version 4 for one kind of request: POST with a JSON body and no query. Amazon's own signer is
// larger, because it covers all kinds.

/** Keys for the DynamoDB protocol: AWS's, or the user and password of a GeminiDB instance. */
export interface DynamoCredentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

export interface UnsignedRequest {
  url: URL
  /** Value of the header `X-Amz-Target`. */
  target: string
  body: string
  region: string
  credentials: DynamoCredentials
  /** Epoch milliseconds. The server refuses a time that is more than 15 minutes off. */
  now: number
}

const ALGORITHM = "AWS4-HMAC-SHA256"
const SERVICE = "dynamodb"

/** Headers to send. All but `authorization` are signed. */
export function signedHeaders({ url, target, body, region, credentials, now }: UnsignedRequest) {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  const date = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, "")
  const day = date.slice(0, 8)
  // Sorted by name, as the signature requires.
  const headers: Record<string, string> = {
    "content-type": "application/x-amz-json-1.0",
    host: url.host,
    "x-amz-date": date,
    ...(sessionToken ? { "x-amz-security-token": sessionToken } : {}),
    "x-amz-target": target,
  }
  const names = Object.keys(headers).join(";")
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value.trim()}\n`)
  const canonical = ["POST", canonicalPath(url), "", lines.join(""), names, sha256(body)].join("\n")
  const scope = `${day}/${region}/${SERVICE}/aws4_request`
  const key = [day, region, SERVICE, "aws4_request"].reduce<string | Buffer>(
    (secret, part) => hmac(secret, part).digest(),
    `AWS4${secretAccessKey}`,
  )
  const signature = hmac(key, [ALGORITHM, date, scope, sha256(canonical)].join("\n")).digest("hex")
  const authorization = `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
  return { ...headers, authorization }
}

/** All services but S3 require that the URL's path, as it is sent, is encoded once more. */
function canonicalPath({ pathname }: URL): string {
  return pathname.split("/").map(encodeURIComponent).join("/")
}

function hmac(key: string | Buffer, text: string) {
  return createHmac("sha256", key).update(text)
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex")
}
