import type { Server } from "../../lib/decision/inputs/supernode.ts"
import { DAY, serverOf } from "../decision/builders.ts"

/** A server from its creation on. Instants are epoch milliseconds. */
export interface Arrival {
  /** Defaults to `listedAt`. */
  createdAt?: number
  /** From this time on the cloud lists it, as CREATING. */
  listedAt: number
  /** From this time on its status is `endsAs`. */
  endsAt: number
  /** Defaults to RUNNING. */
  endsAs?: "RUNNING" | "CREATE_FAILED"
  flavor?: string | null
}

interface Life {
  listedAt: number
  server: Server
  /** The server from `endsAt` on. */
  next: Server
  endsAt: number
}

/** Equal arrivals, one for each server of the order. */
export function arrivalsOf({ from, to }: { from: number; to: number }, arrival: Arrival): Arrival[] {
  return Array.from({ length: to - from }, () => arrival)
}

/** Servers of one supernode, with the part of their future that is already fixed. */
export class Servers {
  #lives: Life[] = []

  constructor(
    /** Beginning of each server id. */
    private readonly prefix: string,
    private readonly flavor: string | null,
  ) {}

  /** Adds a server and returns its id. */
  arrive({
    listedAt,
    createdAt = listedAt,
    endsAt,
    endsAs = "RUNNING",
    flavor = this.flavor,
  }: Arrival): string {
    const id = `${this.prefix}${this.#lives.length + 1}`
    const server = serverOf(id, { status: "CREATING", flavor, createAt: createdAt, updateAt: createdAt })
    const next = { ...server, status: endsAs, updateAt: endsAt }
    const place = this.#lives.findLastIndex((life) => life.listedAt <= listedAt) + 1
    this.#lives.splice(place, 0, { server, listedAt, next, endsAt })
    return id
  }

  change(id: string, { status, at }: { status: string; at: number }): void {
    this.#lives = this.#lives.map((life) => {
      if (life.server.id !== id) return life
      const server = { ...life.server, status, updateAt: at }
      return { ...life, server, next: server }
    })
  }

  /** Servers that the cloud lists at this time, oldest first. A deleted server is listed for one more day. */
  listedAt(now: number): Server[] {
    const listed: Server[] = []
    for (const { server, listedAt, next, endsAt } of this.#lives) {
      const shown = endsAt <= now ? next : server
      const isGone = shown.status === "DELETED" && (shown.updateAt ?? 0) <= now - DAY
      if (listedAt <= now && !isGone) listed.push(shown)
    }
    return listed
  }

  copy(): Servers {
    const other = new Servers(this.prefix, this.flavor)
    other.#lives = [...this.#lives]
    return other
  }
}
