import type { CloudWatchClient } from "@aws-sdk/client-cloudwatch"
import { sdkHandler } from "../http/sdk-handler.ts"
import type { Delivery } from "../ports.ts"
import { type Message, textOf } from "./message.ts"
import { type NetworkSettings, type Posted, post, sayStatus } from "./post.ts"
import { cleanedWords } from "./text.ts"

export interface SnsOptions {
  /** Replaces the region's endpoint, for trials and tests. */
  endpoint?: string
  /** Replaces the SDK's default credential chain, which on Lambda is the function's role. */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
}

// API page "Publish": subject at most 100 characters of ASCII without line breaks, message at most 256 KB.
const MAX_SUBJECT = 100
const MAX_MESSAGE_BYTES = 200 * 1024
const MAX_DETAIL = 200
const KEY_TIMEOUTS = { connectMs: 2_000, requestMs: 5_000 }
const FORM = "application/x-www-form-urlencoded; charset=utf-8"

/** Calls SNS `Publish` (2010-03-31). Succeeds only if the response has a `MessageId`. Never throws. */
export async function publishToSns(
  arn: string,
  message: Message,
  { timeoutMs, network, ...options }: SnsOptions & { timeoutMs: number; network: NetworkSettings },
): Promise<Delivery> {
  const [, partition = "aws", , region = "", account = ""] = arn.split(":")
  const suffix = partition === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com"
  const url = new URL(options.endpoint ?? `https://sns.${region}.${suffix}/`)
  const body = new URLSearchParams({
    Action: "Publish",
    Version: "2010-03-31",
    TopicArn: arn,
    Subject: message.title.replace(/[^\x20-\x7e]/g, "?").slice(0, MAX_SUBJECT),
    Message: textOf(message, MAX_MESSAGE_BYTES),
  }).toString()
  const headers = await within(timeoutMs, signed({ url, body, region }, { ...options, network })).catch(
    () => null,
  )
  if (headers === null) return { ok: false, why: "the SNS topic was not called: no signing keys" }
  const posted = await post({ url, headers, body, timeoutMs, network })
  const problem = problemOf(posted, [arn, account])
  return problem === null ? { ok: true } : { ok: false, why: `the SNS topic ${problem}` }
}

function problemOf(posted: Posted, secrets: readonly string[]): string | null {
  if (posted.kind === "none") return posted.says
  const { status, text } = posted
  const isTaken = status >= 200 && status <= 299 && tagIn(text, "MessageId") !== null
  if (isTaken) return null
  const [code, words] = [tagIn(text, "Code"), tagIn(text, "Message")]
  const said = [code === null ? null : `code ${code}`, words].filter((part) => part !== null).join(": ")
  return `${sayStatus(status)} with ${cleanedWords(said || "a body without MessageId", MAX_DETAIL, secrets)}`
}

/** Text of the first XML element with this name; null if it is missing or empty. */
function tagIn(text: string | null, name: string): string | null {
  const start = text?.indexOf(`<${name}>`) ?? -1
  const end = text?.indexOf(`</${name}>`, start) ?? -1
  if (text === null || start < 0 || end < 0) return null
  const inside = text.slice(start + name.length + 2, end).trim()
  return inside === "" ? null : inside
}

interface Unsigned {
  url: URL
  body: string
  region: string
}

/** Signs with the CloudWatch client, which is already a dependency. Its signer works for any service. */
async function signed(
  { url, body, region }: Unsigned,
  { credentials, network }: Pick<SnsOptions, "credentials"> & { network: NetworkSettings },
): Promise<Record<string, string>> {
  const { CloudWatchClient: Client } = await import("@aws-sdk/client-cloudwatch")
  const client: CloudWatchClient = new Client({
    region,
    // Used only to fetch keys, such as those of a web identity.
    requestHandler: sdkHandler({ proxy: network.proxy ?? null, ...KEY_TIMEOUTS }),
    ...(credentials ? { credentials } : {}),
  })
  try {
    const { signer } = client.config
    if (typeof signer !== "function") throw new TypeError("the SDK has no signer")
    const properties = {}
    const sns = await signer({ name: "sigv4", signingName: "sns", signingRegion: region, properties })
    const { headers } = await sns.sign(
      {
        method: "POST",
        protocol: url.protocol,
        hostname: url.hostname,
        ...(url.port === "" ? {} : { port: Number(url.port) }),
        path: url.pathname,
        query: {},
        headers: { host: url.host, "content-type": FORM },
        body,
      },
      { signingService: "sns", signingRegion: region },
    )
    return headers
  } finally {
    client.destroy()
  }
}

/** Rejects if `work` takes longer than `ms`: a metadata service that provides keys may not respond. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("too slow")), ms)
  })
  try {
    return await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
  }
}
