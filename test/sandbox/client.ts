import { createHash } from "node:crypto"
import { AKSKSigner } from "@huaweicloud/huaweicloud-sdk-core/auth/AKSKSigner.js"
import { request } from "undici"
import { onTestFinished } from "vitest"
import { type Sandbox, type SandboxOptions, startSandbox } from "../../lib/sandbox/sandbox.ts"
import { DEFAULT_ACCESS_KEY, DEFAULT_SUPERNODE } from "../../lib/sandbox/world/defaults.ts"

export const PROJECT = DEFAULT_SUPERNODE.projectId
export const SUPERNODE = DEFAULT_SUPERNODE.id
export const HYPERINSTANCE = `/v1/${PROJECT}/dev-servers/hyperinstance`
export const LARGEST = "kat3ne-32-800t.192xlarge.8.matrix"
export const START = Date.UTC(2026, 0, 1)

/** The order of the API page's example. */
export const ORDER = {
  flavor: LARGEST,
  image_id: "f4059eb4-c2f5-46a8-9b33-6cbed5d3fc81",
  key_pair_name: "KeyPair-42c4",
  root_volume: { size: 200, type: "ESSD" },
}

/** A sandbox whose clock stays at START; closed when the test is over. */
export async function sandboxAt(options: SandboxOptions = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ now: () => START, ...options })
  onTestFinished(() => sandbox.close())
  return sandbox
}

export interface Call {
  method?: string
  path: string
  query?: Record<string, string>
  /** Sent as JSON. */
  json?: object
  /** Sent unchanged; its hash in X-Sdk-Content-Sha256 is signed. */
  raw?: string | Buffer
  headers?: Record<string, string>
  key?: { ak: string; sk: string }
  /** X-Sdk-Date. Defaults to the sandbox's own time. */
  date?: string
  /** Changes headers, path or body after signing and before sending. */
  tamper?: (sent: {
    headers: Record<string, string>
    path: string
    body: string | Buffer | undefined
  }) => void
}

export interface Answered {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  json: Record<string, unknown>
}

/** Sends one request signed by the vendor's own signer, as an independent client of the sandbox. */
export async function call(sandbox: Sandbox, wanted: Call): Promise<Answered> {
  const { method = wanted.json || wanted.raw !== undefined ? "POST" : "GET", query = {}, json, raw } = wanted
  const body = raw ?? (json ? JSON.stringify(json) : undefined)
  const headers = {
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...(raw === undefined ? {} : { "X-Sdk-Content-Sha256": createHash("sha256").update(raw).digest("hex") }),
    ...wanted.headers,
    "X-Sdk-Date": wanted.date ?? dateText(sandbox.now()),
  }
  const { ak, sk } = wanted.key ?? DEFAULT_ACCESS_KEY
  const signed: Record<string, string> = AKSKSigner.sign(
    {
      endpoint: `${sandbox.url}${wanted.path}`,
      method,
      queryParams: query,
      headers,
      ...(json ? { data: json } : {}),
    },
    { getAk: () => ak, getSk: () => sk } as never,
  )
  const search = new URLSearchParams(query).toString()
  const sent = { headers: signed, path: search === "" ? wanted.path : `${wanted.path}?${search}`, body }
  wanted.tamper?.(sent)
  return send(`${sandbox.url}${sent.path}`, { method, headers: sent.headers, body: sent.body })
}

/** Sends one request unsigned and unchanged. */
export async function send(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string | Buffer | undefined } = {},
): Promise<Answered> {
  const { method = "GET", headers = {}, body } = options
  const answer = await request(url, {
    method: method as "GET",
    headers,
    ...(body === undefined ? {} : { body }),
  })
  const text = await answer.body.text()
  return { status: answer.statusCode, headers: answer.headers, text, json: asObject(text) }
}

/** Sends one request to the admin API. */
export function admin(sandbox: Sandbox, method: string, path: string, json?: unknown): Promise<Answered> {
  const body =
    json === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(json) }
  return send(`${sandbox.url}${path}`, { method, ...body })
}

export function dateText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`
}

export function scaleUp(sandbox: Sandbox, json: object = ORDER): Promise<Answered> {
  return call(sandbox, { path: `${HYPERINSTANCE}/${SUPERNODE}/live-scale-up`, json })
}

export interface ServerView {
  id: string
  name: string
  status: string
  create_at: number
  update_at?: number
  order_id: string
  cloud_server: { hps_ecs_id: string }
}

export async function readServers(sandbox: Sandbox): Promise<ServerView[]> {
  const { json } = await call(sandbox, { path: `${HYPERINSTANCE}/${SUPERNODE}` })
  return json["servers"] as ServerView[]
}

function asObject(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}
