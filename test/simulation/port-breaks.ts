import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import { CONTROL_STREAM } from "../../lib/ledger/next-entry.ts"
import type { Ports } from "../../lib/ports.ts"
import type { World } from "./world.ts"

/** A behaviour of a port that breaks its contract. */
export interface PortBreak {
  /** Wraps the ports of a run. */
  ports?: (ports: Ports, world: World) => Ports
  storeIgnoresCondition?: true
  clientForgetsSendBefore?: true
}

const HOUR = 3_600_000

/** Breaks from outside, by name; `breaks.ts` describes each and its seeds. */
export const PORT_BREAKS: Readonly<Record<string, PortBreak>> = {
  "store-ignores-its-condition": { storeIgnoresCondition: true },
  "client-forgets-send-before": { clientForgetsSendBefore: true },

  "buy-tries-again-after-unknown": {
    ports: (ports) => ({
      ...ports,
      cloud: {
        ...ports.cloud,
        async buy(order) {
          const outcome = await ports.cloud.buy(order)
          return outcome.kind === "unknown" ? ports.cloud.buy(order) : outcome
        },
      },
    }),
  },

  "unknown-is-called-not-sent": {
    ports: (ports) => ({
      ...ports,
      cloud: {
        ...ports.cloud,
        async buy(order) {
          const outcome = await ports.cloud.buy(order)
          return outcome.kind === "unknown"
            ? { kind: "not-sent", reason: "timeout", says: outcome.says }
            : outcome
        },
      },
    }),
  },

  "rejected-is-called-accepted": {
    ports: (ports) => ({
      ...ports,
      cloud: {
        ...ports.cloud,
        async buy(order) {
          const outcome = await ports.cloud.buy(order)
          if (outcome.kind !== "rejected") return outcome
          return { kind: "accepted", status: 200, orderId: null, requestId: null, servers: [], raw: null }
        },
      },
    }),
  },

  "control-is-read-once-per-run": {
    ports(ports) {
      let first: Promise<LedgerEntry | undefined> | undefined
      const head = (stream: string) => {
        if (stream !== CONTROL_STREAM) return ports.ledger.head(stream)
        const again = first !== undefined
        first ??= ports.ledger.head(stream)
        // The second read takes place for its duration; its result is not used.
        return again ? ports.ledger.head(stream).then(() => first) : first
      }
      return { ...ports, ledger: { ...ports.ledger, head } }
    },
  },

  "metrics-are-two-hours-old": {
    ports: (ports, world) => ({
      ...ports,
      cloud: {
        ...ports.cloud,
        async readMetrics(question) {
          const readings = await ports.cloud.readMetrics(question)
          const { load } = world.supernodeOf(question.policy.id)
          return readings.map((reading) => ({
            ...reading,
            series: reading.series.map((series) => ({
              ...series,
              points: series.points.map(({ at }) => ({ at, value: load.at(at - 2 * HOUR) })),
            })),
          }))
        },
      },
    }),
  },
}
