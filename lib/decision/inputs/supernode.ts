/** A server (subnode) of a supernode, from GET hyperinstance `servers[]`; unknown texts are kept unchanged. */
export interface Server {
  id: string
  name: string | null
  /** `servers[].status`; "UNKNOWN" if the field is missing. */
  status: string
  flavor: string | null
  /**
   * `create_at`, epoch milliseconds; null if it was unreadable or implausible: then the server counts as
   * created when first seen.
   */
  createAt: number | null
  /** `update_at`, epoch milliseconds; null if it was unreadable or implausible. */
  updateAt: number | null
  orderId: string | null
  /** `cloud_server`: the underlying resource. Cloud Eye uses its `hps_ecs_id` as `instance_id`. */
  cloudServer: { id: string | null; hpsId: string | null; hpsEcsId: string | null }
}

/** Current data of a supernode: GET /v1/{project_id}/dev-servers/hyperinstance/{id}. */
export interface Supernode {
  id: string
  name: string | null
  /** `status`: PROVISIONING, ACTIVE, ERROR, REIMAGING, TERMINATING, TERMINATED or something newer. */
  status: string
  /** null if the response had no list at all, which differs from an empty one. */
  servers: Server[] | null
}

/** One evaluation of GET …/scale-evaluations: whether this flavor can be scaled to right now. */
export interface Offer {
  flavor: string
  /**
   * null if `is_sold_out` was not a clear boolean: the flavor may then be neither bought nor skipped for a
   * larger one.
   */
  soldOut: boolean | null
}

/** Servers that are present or in progress: all except DELETED ones. */
export function presentServers(supernode: Supernode): Server[] {
  return (supernode.servers ?? []).filter((server) => server.status !== "DELETED")
}
