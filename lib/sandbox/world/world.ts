import type * as z from "zod"
import type { AccessKey } from "../api/signature.ts"
import type { SandboxClock } from "./clock.ts"
import { orderIdOf, uuidOf } from "./identity.ts"
import { type Load, loadSettings } from "./load-settings.ts"
import type { supernodeOptions } from "./options.ts"
import { SandboxError } from "./problem.ts"
import { addServer, type LiveServer, type LiveSupernode, settle } from "./supernode.ts"

/** One order that the sandbox accepted: money spent. */
export interface SandboxOrder {
  orderId: string
  supernode: string
  /** Time of the order, epoch milliseconds of the sandbox's clock. */
  at: number
  flavor: string
  /** Servers before and after. */
  from: number
  to: number
  /** Ids of the servers that it created. */
  servers: string[]
  /** `X-Request-Id` of the request that placed it. */
  requestId: string
}

/** The whole state of the sandbox. */
export interface World {
  clock: SandboxClock
  keys: readonly AccessKey[]
  supernodes: LiveSupernode[]
  orders: SandboxOrder[]
  /** Time from CREATING to RUNNING. */
  provisioningMs: number
  /** Billing state of every order. */
  payment: Payment
  /** CTS's records of live-scale-up, oldest first. */
  traces: SandboxTrace[]
  tracing: Tracing
}

/** One trace in CTS. */
export interface SandboxTrace {
  id: string
  supernode: LiveSupernode
  /** Time of the request, epoch milliseconds of the sandbox's clock. */
  at: number
  user: string
  source: "ApiCall" | "ConsoleAction"
  /** HTTP status of the answer. */
  status: number
  /** null: the request had none. */
  flavor: string | null
  requestId: string
}

/** Behavior of CTS: it lists a trace `delayMs` after its request, on pages of at most `pageSize` traces. */
export interface Tracing {
  /** False: nothing is recorded from now on. */
  isEnabled: boolean
  delayMs: number
  pageSize: number
}

/** The delay is not documented; a minute is a guess. */
export const TRACING: Tracing = { isEnabled: true, delayMs: 60_000, pageSize: 200 }

/** `status` as in BSS (5 completed, 6 pending payment). `amount` is null if the answer has no amount. */
export interface Payment {
  status: number
  amount: number | null
  currency: string
}

export const PAID: Payment = { status: 5, amount: null, currency: "CNY" }

const THIRTY_DAYS_MS = 30 * 86_400_000

/**
 * A supernode with its first servers, which have been RUNNING since their creation (by default 30 days ago).
 */
export function liveSupernode(options: z.output<typeof supernodeOptions>, now: number): LiveSupernode {
  const createAt = options.createdAt ?? now - THIRTY_DAYS_MS
  const orderId = orderIdOf(createAt, 0)
  const supernode: LiveSupernode = {
    id: options.id,
    name: options.name,
    region: options.region,
    projectId: options.projectId,
    nodeFlavor: options.nodeFlavor,
    npus: options.npus,
    hpsId: uuidOf(options.id, "hps"),
    hpsClusterId: uuidOf(options.id, "hps-cluster"),
    vpcId: uuidOf(options.id, "vpc"),
    subnetId: uuidOf(options.id, "subnet"),
    createAt,
    updateAt: createAt,
    orderId,
    status: "ACTIVE",
    servers: [],
    offers: options.offers,
    load: options.load ? { ...options.load, setAt: now } : quiet(now),
  }
  for (let i = 0; i < options.servers; i += 1) {
    addServer(supernode, {
      at: createAt,
      orderId,
      imageId: uuidOf(options.id, "image"),
      keyPairName: "KeyPair-sandbox",
      volumes: [{ kind: "ROOT", sizeGb: 200, evsType: "ESSD" }],
      readyAt: null,
      hpsEcsId: options.instanceIds[i],
    })
  }
  return supernode
}

/** Records a live-scale-up in CTS, if that is enabled. */
export function trace(world: World, record: Omit<SandboxTrace, "id" | "at">): void {
  if (!world.tracing.isEnabled) return
  const at = world.clock.now()
  world.traces.push({ ...record, at, id: uuidOf(record.supernode.id, "trace", at, world.traces.length) })
}

/** Applies the passage of time to all supernodes. */
export function settleAll(world: World): void {
  for (const supernode of world.supernodes) settle(supernode, world.clock.now())
}

/** Finds a supernode by id or name, or the only supernode if neither is given. Throws `SandboxError`. */
export function pickSupernode(world: World, idOrName: string | undefined): LiveSupernode {
  const known = world.supernodes.map((supernode) => supernode.name).join(", ") || "none"
  const [found, another] = world.supernodes.filter((one) => [undefined, one.id, one.name].includes(idOrName))
  if (found && another) throw new SandboxError([`supernode: is required, since there are several (${known})`])
  if (found) return found
  throw new SandboxError([`supernode: ${idOrName ?? "it"} is unknown here; known: ${known}`])
}

/** A server by id, name or `hps_ecs_id`. */
export function findServer(supernode: LiveSupernode, name: string): LiveServer | undefined {
  return supernode.servers.find((server) => [server.id, server.name, server.hpsEcsId].includes(name))
}

/** The load if none is set: the servers' agents report 0. */
function quiet(now: number): Load {
  return { ...loadSettings.parse({ load: 0 }), setAt: now }
}
