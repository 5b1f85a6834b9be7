import { presentServers, type Server, type Supernode } from "../../lib/decision/inputs/supernode.ts"
import type { LoadedPolicy } from "../../lib/decision/policy/loaded-policy.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import { digest } from "../../lib/digest.ts"
import { supernodeStream } from "../../lib/ledger/next-entry.ts"
import type { Load } from "./load.ts"
import type { World } from "./world.ts"

const MINUTE = 60_000
const DAY = 86_400_000

/** True fate of one request: only the simulation and its operators know it. */
export interface Order {
  attempt: string
  postedAt: number
  flavor: string
  from: number
  to: number
  costMinor: number
  fate: "travelling" | "accepted" | "refused" | "lost"
  acceptedAt: number | null
  servers: string[]
  /** Nothing more will happen to it. */
  isResolved: boolean
  /** A person said absent while it was still travelling: nothing showed it. */
  wasTakenForAbsent: boolean
}

type Delivery = "in-time" | "late" | "too-few" | "too-many" | "other-flavor" | "some-never-run"

/** True state of one supernode. */
export class TrueSupernode {
  readonly loaded: LoadedPolicy
  readonly stream: string
  readonly orders: Order[] = []
  readonly soldOutUntil = new Map<string, number>()
  #servers: Server[] = []
  #made = 0

  constructor(
    private readonly world: World,
    readonly policy: Policy,
    readonly load: Load,
  ) {
    this.loaded = { policy, hash: digest(policy), userdata: null }
    this.stream = supernodeStream(policy.id)
    const from = world.scheduler.now - 30 * DAY
    for (let i = 0; i < world.random.whole(1, 2); i++) this.add({ status: "RUNNING", at: from })
  }

  /** Present servers: all that are not deleted. */
  get count(): number {
    return this.present().length
  }

  present(): Server[] {
    return presentServers(this.view())
  }

  /** The answer of GET hyperinstance: deleted servers stay listed for a day. */
  view(): Supernode {
    const { now } = this.world.scheduler
    const servers = this.#servers.filter((s) => s.status !== "DELETED" || (s.updateAt ?? 0) > now - DAY)
    return { id: this.policy.id, name: this.policy.name, status: "ACTIVE", servers: [...servers] }
  }

  add({ status, at, flavor = "sub-1" }: { status: string; at: number; flavor?: string }): Server {
    const id = `${this.policy.name}-${++this.#made}`
    const cloudServer = { id: `cs-${id}`, hpsId: `hps-${id}`, hpsEcsId: `ecs-${id}` }
    const server = { id, name: id, status, flavor, createAt: at, updateAt: at, orderId: null, cloudServer }
    this.#servers.push(server)
    return server
  }

  change(id: string, status: string): void {
    this.#servers = this.#servers.map((server) =>
      server.id === id ? { ...server, status, updateAt: this.world.scheduler.now } : server,
    )
  }

  /** Replaces a server in the console; false while an order is being delivered. */
  replaceOne(): boolean {
    const [gone] = this.present()
    if (!gone || this.orders.some(({ fate, isResolved }) => fate === "accepted" && !isResolved)) return false
    this.change(gone.id, "DELETED")
    this.add({ status: "RUNNING", at: this.world.scheduler.now })
    return true
  }

  isSoldOut(flavor: string): boolean {
    return (this.soldOutUntil.get(flavor) ?? -Infinity) > this.world.scheduler.now
  }

  /** The cloud accepts the order: its servers appear, and some time later they run, more or less. */
  accept(order: Order): void {
    const { random, scheduler, weather } = this.world
    order.fate = "accepted"
    order.acceptedAt = scheduler.now
    const delivery: Delivery = random.chance(weather.deliveryIsOdd)
      ? random.pick(["late", "too-few", "too-many", "other-flavor", "some-never-run"])
      : "in-time"
    const wanted = order.to - this.count
    const given = { "too-few": wanted - 1, "too-many": wanted + 1 }[delivery as string] ?? wanted
    this.world.trace(`${this.policy.name} takes ${order.attempt}: ${given} servers, ${delivery}`)
    let last = 0
    for (let i = 0; i < given; i++) {
      const appearsMs = random.spread(1_000, 8 * MINUTE)
      const runsMs = delivery === "late" ? random.whole(50, 150) * MINUTE : random.whole(9, 30) * MINUTE
      const never = delivery === "some-never-run" && i === 0
      last = Math.max(last, runsMs)
      scheduler.after(appearsMs, () => {
        const flavor = delivery === "other-flavor" ? "sub-2" : "sub-1"
        const { id } = this.add({ status: "CREATING", at: scheduler.now, flavor })
        order.servers.push(id)
        if (never) scheduler.after(runsMs - appearsMs, () => this.change(id, "CREATE_FAILED"))
        else scheduler.after(runsMs - appearsMs, () => this.change(id, "RUNNING"))
      })
    }
    scheduler.after(last + 1_000, () => {
      order.isResolved = true
    })
  }
}
