/** A server (subnode) of a supernode, as GET hyperinstance `servers[]` tells it; unknown texts are kept as they are. */
export interface Server {
  id: string
  name: string | null
  /** `servers[].status`; "UNKNOWN" where the field is missing. */
  status: string
  flavor: string | null
  /** `create_at`, epoch milliseconds; null where it was unreadable or implausible: then it counts as created when first seen. */
  createAt: number | null
  /** `update_at`, epoch milliseconds; null where it was unreadable or implausible. */
  updateAt: number | null
  orderId: string | null
  /** `cloud_server`: the underlying resource, whose `hps_ecs_id` is what Cloud Eye calls `instance_id`. */
  cloudServer: { id: string | null; hpsId: string | null; hpsEcsId: string | null }
}

/** What the cloud says of a supernode now: GET /v1/{project_id}/dev-servers/hyperinstance/{id}. */
export interface Supernode {
  id: string
  name: string | null
  /** `status`: PROVISIONING, ACTIVE, ERROR, REIMAGING, TERMINATING, TERMINATED or something newer. */
  status: string
  /** null where the answer had no list at all, which is not the same as an empty one. */
  servers: Server[] | null
}

/** One evaluation of GET …/scale-evaluations: may this flavor be scaled to right now. */
export interface Offer {
  flavor: string
  /** null where `is_sold_out` was not a clear boolean: the flavor may then not be bought, nor skipped for a larger one. */
  soldOut: boolean | null
}

/** The servers that are there or on their way: all but DELETED ones. */
export function presentServers(supernode: Supernode): Server[] {
  return (supernode.servers ?? []).filter((server) => server.status !== "DELETED")
}
