import { isRecord } from "../decision/policy/amounts.ts"
import type { Delivery } from "../ports.ts"
import { errorIn, jsonOf } from "./formats.ts"
import { type Message, textOf } from "./message.ts"
import { type NetworkSettings, post, sayStatus } from "./post.ts"
import { cleanedWords, cutBytes } from "./text.ts"

/** Signs a request with this invocation's keys. Resolves to the headers to send; rejects without keys. */
export type SignHuaweiRequest = (request: {
  method: "POST"
  url: URL
  headers: Record<string, string>
  body: string
}) => Promise<Record<string, string>>

export interface SmnOptions {
  sign: SignHuaweiRequest
  /** Value of SUPERNODE_SMN_ENDPOINT; `null` for the endpoint of the topic's region. */
  endpoint: string | null
  network: NetworkSettings
}

// API page "Publishing a message": subject at most 512 bytes, message at most 256 KB.
const MAX_SUBJECT_BYTES = 512
const MAX_MESSAGE_BYTES = 200 * 1024
const MAX_DETAIL = 200

/**
 * Publishes a message: POST /v2/{project_id}/notifications/topics/{topic_urn}/publish. Succeeds only if the
 * response has a `message_id`. Never throws.
 */
export async function publishToSmn(
  urn: string,
  message: Message,
  { sign, endpoint, network, timeoutMs }: SmnOptions & { timeoutMs: number },
): Promise<Delivery> {
  const [, , region = "", projectId = ""] = urn.split(":")
  const base = endpoint ?? `https://smn.${region}.myhuaweicloud.com`
  const url = new URL(`${base}/v2/${projectId}/notifications/topics/${urn}/publish`)
  const body = JSON.stringify({
    subject: cutBytes(message.title, MAX_SUBJECT_BYTES),
    message: textOf(message, MAX_MESSAGE_BYTES),
  })
  const headers = await sign({
    method: "POST",
    url,
    headers: { "content-type": "application/json", "x-project-id": projectId },
    body,
  }).catch(() => null)
  if (headers === null) return { ok: false, why: "the SMN topic was not called: no signing keys" }
  const posted = await post({ url, headers, body, timeoutMs, network })
  if (posted.kind === "none") return { ok: false, why: `the SMN topic ${posted.says}` }
  const { status, text } = posted
  const json = jsonOf(text)
  const isTaken = status >= 200 && status <= 299 && isRecord(json) && typeof json["message_id"] === "string"
  if (isTaken) return { ok: true }
  const detail = isRecord(json) ? errorIn(json) : "a body without message_id"
  const said = cleanedWords(detail, MAX_DETAIL, [urn, projectId])
  return { ok: false, why: `the SMN topic ${sayStatus(status)} with ${said}` }
}
