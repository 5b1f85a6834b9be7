import { ok, type SandboxResponse, serviceError } from "../response.ts"
import { orderIdOf } from "../world/identity.ts"
import {
  addServer,
  type LiveOffer,
  type LiveSupernode,
  presentServers,
  type ServerOrder,
} from "../world/supernode.ts"
import type { World } from "../world/world.ts"
import type { ScaleUpBody } from "./scale-up-body.ts"
import { supernodeBody } from "./view.ts"

const SETTLED = ["RUNNING", "STOPPED"]
const MAX_SERVERS = 48

/** One well-formed request to live-scale-up. */
export interface ScaleUpRequest {
  supernode: LiveSupernode
  body: ScaleUpBody
  requestId: string
}

/** Accepts the order or refuses it. Its servers are paid for, whether or not the answer arrives. */
export function scaleUp(world: World, request: ScaleUpRequest): SandboxResponse {
  const { supernode, body } = request
  const offer = supernode.offers.find((one) => one.flavor === body.flavor)
  const refusal = stateRefusal(supernode) ?? offerRefusal(supernode, body.flavor, offer)
  if (refusal !== null || !offer) return refusal ?? notSupported(body.flavor)
  placeOrder(world, request, offer)
  return ok(supernodeBody(supernode))
}

/**
 * The whole supernode must be idle: an order during another operation would be for a size that no client
 * requested.
 */
function stateRefusal(supernode: LiveSupernode): SandboxResponse | null {
  if (supernode.status !== "ACTIVE") {
    return serviceError(400, "ModelArts.6327", `The supernode is ${supernode.status}, not running.`)
  }
  const unsettled = presentServers(supernode).find((server) => !SETTLED.includes(server.status))
  if (!unsettled) return null
  const { name, status } = unsettled
  if (status === "ERROR" || status.endsWith("_FAILED")) {
    return serviceError(400, "ModelArts.6327", `${name} is ${status}, not running.`)
  }
  return serviceError(400, "ModelArts.6357", `Another operation is in progress: ${name} is ${status}.`)
}

function offerRefusal(
  supernode: LiveSupernode,
  flavor: string,
  offer: LiveOffer | undefined,
): SandboxResponse | null {
  if (!offer) return notSupported(flavor)
  const present = presentServers(supernode).length
  if (offer.servers <= present) {
    return serviceError(
      400,
      "ModelArts.6792",
      `Cannot update to ${flavor}: it has ${offer.servers} servers, ${present} are there.`,
    )
  }
  if (offer.servers > MAX_SERVERS) {
    return serviceError(400, "ModelArts.6302", `A supernode has at most ${MAX_SERVERS} servers.`)
  }
  return offer.soldOut ? serviceError(400, "ModelArts.6716", `${flavor} is sold out.`) : null
}

function notSupported(flavor: string): SandboxResponse {
  return serviceError(400, "ModelArts.6323", `${flavor} is not supported by this supernode.`)
}

function placeOrder(world: World, { supernode, body, requestId }: ScaleUpRequest, offer: LiveOffer): void {
  const at = world.clock.now()
  const from = presentServers(supernode).length
  const orderId = orderIdOf(at, world.orders.length + 1)
  const order = orderedServer(body, { at, orderId, readyAt: at + world.provisioningMs })
  const servers = Array.from({ length: offer.servers - from }, () => addServer(supernode, order).id)
  supernode.orderId = orderId
  world.orders.push({
    orderId,
    supernode: supernode.id,
    at,
    flavor: body.flavor,
    from,
    to: offer.servers,
    servers,
    requestId,
  })
}

/** Disks and key of each new server are those of the request, with defaults for missing ones. */
function orderedServer(
  body: ScaleUpBody,
  when: Pick<ServerOrder, "at" | "orderId" | "readyAt">,
): ServerOrder {
  const { root_volume: root, data_volume: data } = body
  return {
    ...when,
    imageId: body.image_id,
    keyPairName: body.key_pair_name ?? null,
    volumes: [
      { kind: "ROOT", sizeGb: root?.size ?? 100, evsType: root?.type ?? "SSD" },
      ...Array.from({ length: data?.count ?? 0 }, () => ({
        kind: "DATA" as const,
        sizeGb: data?.size ?? 0,
        evsType: data?.type ?? "",
      })),
    ],
  }
}
