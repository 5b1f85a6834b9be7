import { createServer, type ServerHttp2Stream } from "node:http2"
import { closeServer, listenOnLoopback } from "../world/loopback.ts"
import { type NestedSchema, SCHEMAS, type Schema } from "./schema.ts"

// A provider that does what `terraform validate` and `terraform plan` need: it serves the published schemas
// over the plugin protocol (tfplugin6, gRPC). It creates nothing. Exported attributes are unknown until a
// resource exists, as with the real provider.

export interface RunningProvider {
  /**
   * Value of TF_REATTACH_PROVIDERS in Terraform's environment. With it Terraform starts no plugin of its own.
   */
  reattach: string
  close(): Promise<void>
}

export async function startProvider(): Promise<RunningProvider> {
  const server = createServer()
  const sessions = new Set<{ destroy(): void }>()
  server.on("session", (session) => sessions.add(session))
  server.on("stream", (stream, headers) => void answer(stream, String(headers[":path"])))
  const port = await listenOnLoopback(server)
  const provider = {
    Protocol: "grpc",
    ProtocolVersion: 6,
    Pid: process.pid,
    Test: true,
    Addr: { Network: "tcp", String: `127.0.0.1:${port}` },
  }
  return {
    reattach: JSON.stringify({ "registry.terraform.io/huaweicloud/huaweicloud": provider }),
    async close() {
      for (const session of sessions) session.destroy()
      await closeServer(server)
    },
  }
}

const OK = "0"
const UNIMPLEMENTED = "12"

/** gRPC: one message in and one message out, each after a byte and its length. */
async function answer(stream: ServerHttp2Stream, path: string): Promise<void> {
  const chunks: Buffer[] = []
  stream.on("error", () => undefined)
  const method = /^\/tfplugin6\.Provider\/(\w+)$/.exec(path)?.[1] ?? ""
  const handle = METHODS[method]
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true })
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": handle ? OK : UNIMPLEMENTED }))
  if (!handle) return void stream.end()
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  const body = handle(Buffer.concat(chunks).subarray(5))
  const head = Buffer.alloc(5)
  head.writeUInt32BE(body.length, 1)
  stream.end(Buffer.concat([head, body]))
}

const NOTHING = Buffer.alloc(0)
const METHODS: Record<string, (request: Buffer) => Buffer> = {
  GetProviderSchema: () => Buffer.concat([message(1, PROVIDER), ...resources()]),
  ValidateProviderConfig: () => NOTHING,
  ValidateResourceConfig: () => NOTHING,
  ConfigureProvider: () => NOTHING,
  StopProvider: () => NOTHING,
  PlanResourceChange: (request) => {
    const { type = NOTHING, proposed = NOTHING } = plannedIn(request)
    const schema = SCHEMAS[type.toString()]
    return message(1, message(1, withUnknowns(proposed, computedIn(schema))))
  },
}

const PROVIDER = schemaOf({ arguments: { region: "optional string" }, exports: {} })

function resources(): Buffer[] {
  return Object.entries(SCHEMAS).map(([name, schema]) =>
    message(2, Buffer.concat([text(1, name), message(2, schemaOf(schema))])),
  )
}

function schemaOf(schema: Schema): Buffer {
  return message(2, blockOf(schema))
}

function blockOf(schema: Schema): Buffer {
  const attributes = Object.entries({
    ...schema.arguments,
    ...Object.fromEntries(Object.entries(schema.exports).map(([name, type]) => [name, `computed ${type}`])),
  })
  const blocks = Object.entries(schema.blocks ?? {})
  return Buffer.concat([
    ...attributes.map(([name, written]) => message(2, attributeOf(name, written))),
    ...blocks.map(([name, block]) => message(3, nestedOf(name, block))),
  ])
}

function attributeOf(name: string, written: string): Buffer {
  const words = /^((?:required |optional |computed )+)(.*)$/.exec(written)
  const [, flags = "", type = ""] = words ?? []
  const flag = (field: number, word: string) => (flags.includes(word) ? number(field, 1) : NOTHING)
  return Buffer.concat([
    text(1, name),
    text(2, JSON.stringify(typeOf(type))),
    flag(4, "required"),
    flag(5, "optional"),
    flag(6, "computed"),
  ])
}

const NESTING = ["", "single", "list", "set", "map"]

function nestedOf(name: string, block: NestedSchema): Buffer {
  return Buffer.concat([
    text(1, name),
    message(2, blockOf(block)),
    number(3, NESTING.indexOf(block.nesting)),
    number(4, block.required ? 1 : 0),
    number(5, block.max ?? 0),
  ])
}

/** `list(object(id: string))` in Terraform's JSON form: `["list",["object",{"id":"string"}]]`. */
function typeOf(written: string): unknown {
  const [, kind, inner = ""] = /^(list|set|map|object)\((.*)\)$/.exec(written) ?? []
  if (kind === undefined) return written
  if (kind !== "object") return [kind, typeOf(inner)]
  const fields: [string, unknown][] = []
  for (let rest = inner; rest !== ""; ) {
    const [, name = ""] = /^(\w+): /.exec(rest) ?? []
    const end = endOfType(rest)
    fields.push([name, typeOf(rest.slice(name.length + 2, end))])
    rest = rest.slice(end + 2)
  }
  return [kind, Object.fromEntries(fields)]
}

/** Position where the first of several types ends: at a comma outside of parentheses. */
function endOfType(types: string): number {
  let depth = 0
  for (let at = 0; at < types.length; at++) {
    if (types[at] === "(") depth += 1
    if (types[at] === ")") depth -= 1
    if (types[at] === "," && depth === 0) return at
  }
  return types.length
}

function computedIn(schema: Schema | undefined): Set<string> {
  const own = Object.entries(schema?.arguments ?? {}).filter(([, written]) => written.includes(" computed "))
  return new Set([...Object.keys(schema?.exports ?? {}), ...own.map(([name]) => name)])
}

/** The type's name and the proposed state (MessagePack) of a request to plan. */
function plannedIn(request: Buffer): { type?: Buffer; proposed?: Buffer } {
  const fields = fieldsOf(request)
  const proposed = fields.get(3)
  const packed = proposed && fieldsOf(proposed).get(1)
  return { ...(fields.has(1) && { type: fields.get(1) as Buffer }), ...(packed && { proposed: packed }) }
}

// Protocol buffers: a field is its number and kind, then a number, or a length and bytes.

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}

function number(field: number, value: number): Buffer {
  return value === 0 ? NOTHING : Buffer.concat([varint(field * 8), varint(value)])
}

function message(field: number, body: Buffer): Buffer {
  return Buffer.concat([varint(field * 8 + 2), varint(body.length), body])
}

function text(field: number, value: string): Buffer {
  return message(field, Buffer.from(value))
}

function readVarint(bytes: Buffer, at: number): [value: number, next: number] {
  let value = 0
  for (let i = at, factor = 1; ; i++, factor *= 128) {
    const byte = bytes[i] ?? 0
    value += (byte % 128) * factor
    if (byte < 128) return [value, i + 1]
  }
}

/** Fields with bytes, by number. */
function fieldsOf(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>()
  for (let at = 0; at < bytes.length; ) {
    const [key, start] = readVarint(bytes, at)
    const [value, next] = readVarint(bytes, start)
    at = key % 8 === 2 ? next + value : next
    if (key % 8 === 2) found.set(Math.floor(key / 8), bytes.subarray(next, at))
  }
  return found
}

// MessagePack, as far as the top level of a state needs it.

const NIL = 0xc0
const UNKNOWN = Buffer.from([0xd4, 0, 0])

/** The map with `unknown` for each of these keys that is null. */
function withUnknowns(map: Buffer, keys: Set<string>): Buffer {
  const parts: Buffer[] = []
  let [count, at] = headOf(map, 0)
  parts.push(map.subarray(0, at))
  for (; count > 0; count--) {
    const value = skip(map, at)
    const [length, start] = headOf(map, at)
    const key = map.toString("utf8", start, start + length)
    const next = skip(map, value)
    const isUnknown = map[value] === NIL && keys.has(key)
    parts.push(map.subarray(at, value), isUnknown ? UNKNOWN : map.subarray(value, next))
    at = next
  }
  return Buffer.concat(parts)
}

/** Length of a text, or size of a map or array, and where its content begins. */
function headOf(bytes: Buffer, at: number): [size: number, start: number] {
  const byte = bytes[at] ?? NIL
  if (byte >= 0x80 && byte <= 0x9f) return [byte % 16, at + 1]
  if (byte >= 0xa0 && byte <= 0xbf) return [byte - 0xa0, at + 1]
  if (byte === 0xc4 || byte === 0xc7 || byte === 0xd9) return [bytes.readUInt8(at + 1), at + 2]
  if ([0xc5, 0xc8, 0xda, 0xdc, 0xde].includes(byte)) return [bytes.readUInt16BE(at + 1), at + 3]
  if ([0xc6, 0xc9, 0xdb, 0xdd, 0xdf].includes(byte)) return [bytes.readUInt32BE(at + 1), at + 5]
  return [0, at + 1]
}

/** Number of bytes after the first one, for numbers and for extensions of a fixed size. */
const FIXED: Record<number, number> = {
  202: 4,
  203: 8,
  204: 1,
  205: 2,
  206: 4,
  207: 8,
  208: 1,
  209: 2,
  210: 4,
  211: 8,
  212: 2,
  213: 3,
  214: 5,
  215: 9,
  216: 17,
}

/** Position where the value at this position ends. */
function skip(bytes: Buffer, at: number): number {
  const byte = bytes[at] ?? NIL
  const fixed = FIXED[byte]
  if (fixed !== undefined) return at + 1 + fixed
  const [size, start] = headOf(bytes, at)
  const isMap = (byte >= 0x80 && byte <= 0x8f) || byte === 0xde || byte === 0xdf
  const isArray = (byte >= 0x90 && byte <= 0x9f) || byte === 0xdc || byte === 0xdd
  if (!isMap && !isArray) return start + size + (byte >= 0xc7 && byte <= 0xc9 ? 1 : 0)
  let next = start
  for (let left = isMap ? 2 * size : size; left > 0; left--) next = skip(bytes, next)
  return next
}
