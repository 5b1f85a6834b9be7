import type { LiveServer, LiveSupernode } from "../world/supernode.ts"

// The documented answers: ServerHyperinstanceResponse and ServerResponse (live-scale-up API page).

/** The answer to GET hyperinstance and to live-scale-up, and each element of the list. */
export function supernodeBody(supernode: LiveSupernode): Record<string, unknown> {
  return {
    create_at: supernode.createAt,
    hps_cluster_id: supernode.hpsClusterId,
    hps_id: supernode.hpsId,
    id: supernode.id,
    name: supernode.name,
    order_id: supernode.orderId,
    servers: supernode.servers.map((server) => serverBody(supernode, server)),
    status: supernode.status,
    update_at: supernode.updateAt,
  }
}

/** An element of `servers[]`. A server that is still CREATING has no address and was never updated. */
export function serverBody(supernode: LiveSupernode, server: LiveServer): Record<string, unknown> {
  return {
    category: "HPS",
    charging_mode: "PRE_PAID",
    cloud_server: {
      hps_ecs_id: server.hpsEcsId,
      hps_id: supernode.hpsId,
      id: server.cloudServerId,
      type: "HPS",
    },
    create_at: server.createAt,
    endpoints: server.runs.length === 0 ? [] : [{ service: "SSH", uri: server.address }],
    flavor: server.flavor,
    id: server.id,
    image: { image_id: server.imageId },
    ...(server.keyPairName === null ? {} : { key_pair_name: server.keyPairName }),
    name: server.name,
    order_id: server.orderId,
    server_hps: { id: supernode.id, name: supernode.name },
    status: server.status,
    subnet_id: supernode.subnetId,
    ...(server.updateAt === null ? {} : { update_at: server.updateAt }),
    volumes: server.volumes.map((volume) => ({
      evs_id: volume.evsId,
      evs_type: volume.evsType,
      size: volume.sizeGb,
      type: volume.kind,
    })),
    vpc_id: supernode.vpcId,
  }
}
