import { uuidOf } from "./identity.ts"
import type { Load } from "./load-settings.ts"

/** One disk of a server, as `servers[].volumes[]` shows it. */
export interface Volume {
  kind: "ROOT" | "DATA"
  sizeGb: number
  evsType: string
  evsId: string
}

/** A server of a supernode while the sandbox runs. Times are epoch milliseconds of the sandbox's clock. */
export interface LiveServer {
  id: string
  name: string
  status: string
  flavor: string
  createAt: number
  /** null until the first change after its creation. */
  updateAt: number | null
  /** Time at which a CREATING server becomes RUNNING; null if nothing will change by itself. */
  readyAt: number | null
  orderId: string
  keyPairName: string | null
  imageId: string
  /** `cloud_server.id`. */
  cloudServerId: string
  /** `cloud_server.hps_ecs_id`, which Cloud Eye calls `instance_id`. */
  hpsEcsId: string
  address: string
  volumes: Volume[]
  /** Times at which it was RUNNING: only then it reports to Cloud Eye. */
  runs: { from: number; to: number | null }[]
}

export interface LiveOffer {
  flavor: string
  /** Total servers. */
  servers: number
  soldOut: boolean
}

export interface LiveSupernode {
  id: string
  name: string
  region: string
  projectId: string
  nodeFlavor: string
  /** Number of cards per server that report separately. */
  npus: number
  hpsId: string
  hpsClusterId: string
  vpcId: string
  subnetId: string
  createAt: number
  updateAt: number
  orderId: string
  status: string
  servers: LiveServer[]
  offers: LiveOffer[]
  load: Load
}

/** Properties of a new server. */
export interface ServerOrder {
  at: number
  orderId: string
  imageId: string
  keyPairName: string | null
  volumes: { kind: "ROOT" | "DATA"; sizeGb: number; evsType: string }[]
  /** null: RUNNING at once. */
  readyAt: number | null
  hpsEcsId?: string | undefined
}

/** Adds one server to its supernode. Its ids are derived from the supernode's id and its number. */
export function addServer(supernode: LiveSupernode, order: ServerOrder): LiveServer {
  const number = supernode.servers.length + 1
  const idOf = (kind: string): string => uuidOf(supernode.id, number, kind)
  const server: LiveServer = {
    id: idOf("server"),
    name: `${supernode.name}-${number}`,
    status: order.readyAt === null ? "RUNNING" : "CREATING",
    flavor: supernode.nodeFlavor,
    createAt: order.at,
    updateAt: order.readyAt === null ? order.at : null,
    readyAt: order.readyAt,
    orderId: order.orderId,
    keyPairName: order.keyPairName,
    imageId: order.imageId,
    cloudServerId: idOf("cloud-server"),
    hpsEcsId: order.hpsEcsId ?? idOf("ecs"),
    address: `10.1.${Math.floor(number / 200)}.${10 + (number % 200)}`,
    volumes: order.volumes.map((volume, i) => ({ ...volume, evsId: idOf(`volume-${i}`) })),
    runs: order.readyAt === null ? [{ from: order.at, to: null }] : [],
  }
  supernode.servers.push(server)
  supernode.updateAt = order.at
  return server
}

/** Gives a server another status as of `at`. A pending change of its status is cancelled. */
export function changeStatus(server: LiveServer, { status, at }: { status: string; at: number }): void {
  const open = server.runs.at(-1)
  if (open && open.to === null) open.to = at
  if (status === "RUNNING") server.runs.push({ from: at, to: null })
  server.status = status
  server.updateAt = at
  server.readyAt = null
}

/** Applies the passage of time: servers whose provisioning is over by `now` are RUNNING since then. */
export function settle(supernode: LiveSupernode, now: number): void {
  for (const server of supernode.servers) {
    if (server.readyAt === null || server.readyAt > now) continue
    const at = server.readyAt
    changeStatus(server, { status: "RUNNING", at })
    supernode.updateAt = Math.max(supernode.updateAt, at)
  }
}

/** Servers that are present or in progress. */
export function presentServers(supernode: LiveSupernode): LiveServer[] {
  return supernode.servers.filter((server) => server.status !== "DELETED")
}
