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
  server: Server
  listedAt: number
  /** Its next change; null: it stays as it is. */
  next: { status: string; at: number } | null
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
    this.#lives.push({ server, listedAt, next: { status: endsAs, at: endsAt } })
    return id
  }

  change(id: string, { status, at }: { status: string; at: number }): void {
    this.#lives = this.#lives.map((life) =>
      life.server.id === id
        ? { ...life, server: { ...life.server, status, updateAt: at }, next: null }
        : life,
    )
  }

  /** As the cloud lists them at that time, oldest first; a deleted one for another day. */
  listedAt(now: number): Server[] {
    return this.#lives
      .filter(({ listedAt }) => listedAt <= now)
      .sort((a, b) => a.listedAt - b.listedAt)
      .map(({ server, next }) =>
        next && next.at <= now ? { ...server, status: next.status, updateAt: next.at } : server,
      )
      .filter(({ status, updateAt }) => status !== "DELETED" || (updateAt ?? 0) > now - DAY)
  }

  /** A copy with an independent future. */
  fork(): Servers {
    const other = new Servers(this.prefix, this.flavor)
    other.#lives = [...this.#lives]
    return other
  }
}
