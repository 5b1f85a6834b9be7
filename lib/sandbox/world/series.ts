import type { LiveServer, LiveSupernode } from "./supernode.ts"
import type { World } from "./world.ts"

/** The metric that the sandbox's servers report, by dimension `instance_id` = `cloud_server.hps_ecs_id`. */
export const NPU_USAGE = {
  namespace: "AGT.ECS",
  metric_name: "npu_util_rate_ai_core",
  dimension: "instance_id",
  /** Second dimension of a server's cards: "0", "1" …; Cloud Eye's real name for it is not documented. */
  card: "npu",
  unit: "%",
} as const

/** Reporter of one series: a server, or one of its cards. */
export interface Reporter {
  supernode: LiveSupernode
  server: LiveServer
  /** null: the server as a whole. */
  npu: string | null
}

export interface Dimension {
  name: string
  value: string
}

/** All possible reporters of one project: each server by itself, then its cards. */
export function reportersOf({ supernodes }: World, projectId: string): Reporter[] {
  return supernodes
    .filter((supernode) => supernode.projectId === projectId)
    .flatMap((supernode) =>
      supernode.servers.flatMap((server) => [
        { supernode, server, npu: null },
        ...Array.from({ length: supernode.npus }, (_, card) => ({ supernode, server, npu: String(card) })),
      ]),
    )
}

/** The dimensions of a series, with the server's first: their order is part of the series' name. */
export function dimensionsOf({ server, npu }: Reporter): Dimension[] {
  const own = { name: NPU_USAGE.dimension, value: server.hpsEcsId }
  return npu === null ? [own] : [own, { name: NPU_USAGE.card, value: npu }]
}

/** Names of a reporter in `loadSettings`: those of the server, or for a card `SERVER/CARD`. */
export function namesOf({ server, npu }: Reporter): string[] {
  const names = [server.id, server.name, server.hpsEcsId]
  return npu === null ? names : names.map((name) => `${name}/${npu}`)
}
