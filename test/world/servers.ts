import type { Server } from "../../lib/decision/inputs/supernode.ts"
import { DAY, serverOf } from "../decision/builders.ts"

/** A server from its creation on. Instants are epoch milliseconds. */
export interface Arrival {
  /** Left out: when it is listed. */
  createdAt?: number
  /** The cloud lists it from then on, as CREATING. */
  listedAt: number
  /** Its status is `endsAs` from then on. */
  endsAt: number
  /** Left out: RUNNING. */
  endsAs?: "RUNNING" | "CREATE_FAILED"
  flavor?: string | null
}

interface Life {
  listedAt: number
  server: Server
  /** What it is from `endsAt` on. */
  next: Server
  endsAt: number
}

/** As many servers as it orders, all alike. */
export function arrivalsOf({ from, to }: { from: number; to: number }, arrival: Arrival): Arrival[] {
  return Array.from({ length: to - from }, () => arrival)
}

/** Servers of one supernode, with what is already certain of their future. */
export class Servers {
  #lives: Life[] = []

  constructor(
    /** Begins each of their ids. */
    private readonly prefix: string,
    private readonly flavor: string | null,
  ) {}

  /** Returns its id. */
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

  /** As the cloud lists them at that time, oldest first; a deleted one for another day. */
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
