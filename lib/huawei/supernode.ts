import * as z from "zod"
import { idKey, isSameId } from "../decision/inputs/id.ts"
import type { Server, Supernode } from "../decision/inputs/supernode.ts"
import { onFirstUse } from "../on-first-use.ts"
import type { Read } from "../ports.ts"
import type { Parsed } from "./cloud-response.ts"
import { type SupernodePlace, supernodeUrl } from "./endpoints.ts"
import { exactText } from "./exact-text.ts"
import type { CloudReader } from "./http.ts"
import { instantOf } from "./instant.ts"

// Strict about ids, lenient about other fields. A field is null if it is missing, has another type, or
// contains invisible characters; such a status is "UNKNOWN". Any other status is kept, even if we do not know
// it. test/architecture/lenient-cloud.ts lists the meaning of each null.

const optionalText = onFirstUse(() => exactText().nullable().catch(null))
/** Validated later, by `instantOf`, which needs the time of the answer. */
const epochMs = onFirstUse(() => z.unknown().optional())
const statusShape = onFirstUse(() => exactText().min(1).catch("UNKNOWN"))

const serverShape = onFirstUse(() =>
  z.looseObject({
    id: exactText().min(1),
    name: optionalText(),
    status: statusShape(),
    flavor: optionalText(),
    create_at: epochMs(),
    update_at: epochMs(),
    order_id: optionalText(),
    cloud_server: z
      .looseObject({ id: optionalText(), hps_id: optionalText(), hps_ecs_id: optionalText() })
      .nullable()
      .catch(null),
  }),
)

function serverOf(s: z.output<ReturnType<typeof serverShape>>, receivedAt: number): Server {
  return {
    id: s.id,
    name: s.name,
    status: s.status,
    flavor: s.flavor,
    createAt: instantOf(s.create_at, receivedAt),
    updateAt: instantOf(s.update_at, receivedAt),
    orderId: s.order_id,
    cloudServer: {
      id: s.cloud_server?.id ?? null,
      hpsId: s.cloud_server?.hps_id ?? null,
      hpsEcsId: s.cloud_server?.hps_ecs_id ?? null,
    },
  }
}

const supernodeShape = onFirstUse(() =>
  z.looseObject({
    id: optionalText(),
    name: optionalText(),
    status: statusShape(),
    servers: z.array(z.unknown()).nullable().catch(null),
  }),
)

/** GET /v1/{project_id}/dev-servers/hyperinstance/{id}. */
export function readSupernode(reader: CloudReader, place: SupernodePlace): Promise<Read<Supernode>> {
  const { projectId, id } = place
  const request = {
    operation: "getHyperinstance",
    method: "GET",
    url: supernodeUrl(place),
    projectId,
  } as const
  return reader.read(request, (json, receivedAt) => supernodeOf(json, { id, receivedAt }))
}

interface AskedSupernode {
  id: string
  receivedAt: number
}

function supernodeOf(json: unknown, { id, receivedAt }: AskedSupernode): Parsed<Supernode> {
  const parsed = supernodeShape().safeParse(json)
  if (!parsed.success) return { ok: false, why: "the response is not an object" }
  const { data } = parsed
  if (data.id === null || !isSameId(data.id, id))
    return { ok: false, why: `the response is about supernode ${data.id ?? "without an id"}, not ${id}` }
  return withServers(data, { id, receivedAt })
}

/** Parses an element of a list of supernodes. It has the same fields; any id is accepted. */
export function listedSupernode(json: unknown, receivedAt: number): Parsed<Supernode> {
  const parsed = supernodeShape().safeParse(json)
  if (!parsed.success) return { ok: false, why: "it is not an object" }
  const { id } = parsed.data
  return id === null
    ? { ok: false, why: "it has no readable id" }
    : withServers(parsed.data, { id, receivedAt })
}

function withServers(
  data: z.output<ReturnType<typeof supernodeShape>>,
  { id, receivedAt }: AskedSupernode,
): Parsed<Supernode> {
  const supernode = { id, name: data.name, status: data.status }
  if (data.servers === null) return { ok: true, value: { ...supernode, servers: null } }
  const servers = serversOf(data.servers, receivedAt)
  return servers.ok ? { ok: true, value: { ...supernode, servers: servers.value } } : servers
}

/** Far above the 48 servers that a supernode may have, even with deleted servers that are still listed. */
const MAX_LISTED = 1_000

/**
 * Parses ServerResponse objects. A server that has no id or is listed twice makes the whole list unreadable,
 * since servers are counted.
 */
export function serversOf(list: readonly unknown[], receivedAt: number): Parsed<Server[]> {
  if (list.length > MAX_LISTED)
    return { ok: false, why: `it lists ${list.length} servers, the maximum is ${MAX_LISTED}` }
  const servers: Server[] = []
  const keys = new Set<string>()
  for (const [i, item] of list.entries()) {
    const server = serverShape().safeParse(item)
    if (!server.success) return { ok: false, why: `server ${i + 1} of ${list.length} has no readable id` }
    const key = idKey(server.data.id)
    if (keys.has(key)) return { ok: false, why: `server ${server.data.id} is listed twice` }
    keys.add(key)
    servers.push(serverOf(server.data, receivedAt))
  }
  return { ok: true, value: servers }
}
