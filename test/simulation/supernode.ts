import { newestPeriods, type Reading } from "../../lib/decision/inputs/reading.ts"
import type { Datapoint } from "../../lib/decision/inputs/signal.ts"
import { presentServers } from "../../lib/decision/inputs/supernode.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import type { MetricQuery } from "../../lib/ports.ts"
import type { TrueOrder } from "../world/order.ts"
import type { Arrival } from "../world/servers.ts"
import { TrueSupernode } from "../world/supernode.ts"
import { loadedOf } from "../world/task.ts"
import type { Load } from "./load.ts"
import type { World } from "./world.ts"

const MINUTE = 60_000

type Delivery = "in-time" | "late" | "too-few" | "too-many" | "other-flavor" | "some-never-run"

/** A supernode with a changing load. `Weather` decides on faults of its deliveries and meters. */
export class SimulatedSupernode extends TrueSupernode {
  constructor(
    private readonly world: World,
    policy: Policy,
    readonly load: Load,
  ) {
    let servers = 0
    while (servers < world.random.whole(1, 2)) servers++
    super({
      loaded: loadedOf(policy),
      now: () => world.scheduler.now,
      servers,
      idPrefix: `${policy.name}-`,
      flavor: "sub-1",
    })
  }

  /** Replaces a server in the console; false while an order is being delivered. */
  replaceOne(): boolean {
    const [gone] = this.present()
    if (!gone || this.delivering.length > 0) return false
    this.change(gone.id, "DELETED")
    this.add()
    return true
  }

  /**
   * The cloud accepts the order. Its servers come as ordered, or late, too few, too many or otherwise wrong.
   */
  deliver(order: TrueOrder): void {
    const { random, weather } = this.world
    const delivery: Delivery = random.chance(weather.deliveryIsOdd)
      ? random.pick(["late", "too-few", "too-many", "other-flavor", "some-never-run"])
      : "in-time"
    const wanted = order.to - this.count
    const given = { "too-few": wanted - 1, "too-many": wanted + 1 }[delivery as string] ?? wanted
    this.world.trace(`${this.policy.name} takes ${order.attempt}: ${given} servers, ${delivery}`)
    this.accept(
      order,
      Array.from({ length: given }, (_, nth) => this.#arrival(delivery, nth)),
    )
  }

  #arrival(delivery: Delivery, nth: number): Arrival {
    const { random } = this.world
    const listedAt = this.now + random.spread(1_000, 8 * MINUTE)
    const endsMs = delivery === "late" ? random.whole(50, 150) * MINUTE : random.whole(9, 30) * MINUTE
    const flavor = delivery === "other-flavor" ? "sub-2" : "sub-1"
    const endsAs = delivery === "some-never-run" && nth === 0 ? "CREATE_FAILED" : "RUNNING"
    return { listedAt, endsAt: this.now + endsMs, endsAs, flavor }
  }

  /** A period that has not ended by true time has no value, whatever the reader's clock shows. */
  measured(starts: readonly number[], periodMs: number): Datapoint[] {
    return starts.filter((at) => at + periodMs <= this.now).map((at) => ({ at, value: this.load.at(at) }))
  }

  override readings({ policy, supernode, now }: MetricQuery): Reading[] {
    const { random, weather } = this.world
    return policy.rules.map(({ name, metric, points }) => {
      const periodMs = metric["cloud-eye"]?.period ?? 0
      if (random.chance(weather.metricsAreMissing))
        return { rule: name, periodMs, series: [], problem: "HTTP 503" }
      const starts = newestPeriods({ now, periodMs, lagMs: metric.lag, count: points.n })
      const measured = this.measured(starts, periodMs).reverse()
      const servers = presentServers(supernode).filter(
        ({ status }) => status === "RUNNING" && !random.chance(weather.metricsAreMissing / 2),
      )
      return {
        rule: name,
        periodMs,
        series: servers.map(({ id }) => ({ server: id, points: measured })),
        problem: null,
      }
    })
  }
}
