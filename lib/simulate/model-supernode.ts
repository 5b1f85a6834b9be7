import type { Server, Supernode } from "../decision/inputs/supernode.ts"
import type { OrderEnding } from "./order-ending.ts"

export interface SupernodeStart {
  /** Name in the policy. */
  name: string
  id: string
  /** Servers at the start. */
  count: number
  /** Creation time of these servers, epoch milliseconds. */
  since: number
}

/** Actual state of one supernode in a model of the cloud: its servers, and the endings of its next orders. */
export class ModelSupernode {
  readonly name: string
  readonly id: string
  servers: Server[]
  status = "ACTIVE"
  /** Ids of servers that the list silently omits. */
  readonly hidden = new Set<string>()
  /** Endings of the next orders, first to last. All later orders are accepted. */
  endings: OrderEnding[] = []
  /** Number of servers that the next order really adds; `null` adds as many as ordered. */
  delivers: number | null = null
  soldOut: readonly string[] = []
  notOffered: readonly string[] = []

  constructor({ name, id, count, since }: SupernodeStart) {
    this.name = name
    this.id = id
    this.servers = Array.from({ length: count }, (_, i) => this.#made(i + 1, { now: since, runsAt: since }))
  }

  /** The supernode as the cloud reports it at that time: a server is CREATING until it runs. */
  at(now: number): Supernode {
    const servers = this.servers
      .filter(({ id }) => !this.hidden.has(id))
      .map((server) =>
        server.status === "RUNNING" && (server.updateAt ?? 0) > now ? creating(server, now) : server,
      )
    return { id: this.id, name: this.name, status: this.status, servers }
  }

  /** Adds servers, which run from `runsAt` on, and returns their ids. */
  arrive(count: number, times: { now: number; runsAt: number }): string[] {
    const first = this.servers.length + 1
    const servers = Array.from({ length: count }, (_, i) => this.#made(first + i, times))
    this.servers.push(...servers)
    return servers.map(({ id }) => id)
  }

  setStatus(ids: readonly string[], status: string): void {
    this.servers = this.servers.map((server) => (ids.includes(server.id) ? { ...server, status } : server))
  }

  /** Number of servers that run at that time. */
  runningAt(now: number): number {
    return this.servers.filter(({ status, updateAt }) => status === "RUNNING" && (updateAt ?? 0) <= now)
      .length
  }

  #made(nth: number, { now, runsAt }: { now: number; runsAt: number }): Server {
    const id = `s${nth}`
    return {
      id,
      name: `${this.name}-${id}`,
      status: "RUNNING",
      flavor: null,
      createAt: now,
      updateAt: runsAt,
      orderId: null,
      cloudServer: { id: `cs-${id}`, hpsId: `hps-${id}`, hpsEcsId: `ecs-${id}` },
    }
  }
}

function creating(server: Server, now: number): Server {
  return { ...server, status: "CREATING", updateAt: now }
}
