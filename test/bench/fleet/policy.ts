// A policy for any number of supernodes that share everything under `defaults`, as in a real fleet.

export const PROJECT_ID = "0123456789abcdef0123456789abcdef"
/** Number of servers of each supernode before any purchase. */
export const FIRST_SERVERS = 2

export interface FleetPolicy {
  supernodes: number
  /** Purchases per 24 h that the fleet caps allow; `null` if there is no fleet cap. */
  fleetActions: number | null
  /** Base of the alarms' names. Without it, no webhook wakes a supernode. */
  alertname?: string
}

/** Number of supernodes in one file. */
const FILE_SUPERNODES = 1_000

/** Files by name. The first one includes the others. They are JSON, which is also YAML. */
export function policyFiles({ supernodes, fleetActions, alertname }: FleetPolicy): [string, string][] {
  const all = Array.from({ length: supernodes }, (_, nth) => ({
    name: `train-${nth}`,
    id: supernodeId(nth),
    ...(alertname === undefined ? {} : { alarms: [{ alertmanager: { alertname: `${alertname}-${nth}` } }] }),
  }))
  const more: [string, string][] = []
  for (let from = FILE_SUPERNODES; from < all.length; from += FILE_SUPERNODES) {
    const part = { version: 1, supernodes: all.slice(from, from + FILE_SUPERNODES) }
    more.push([`more-${from}.yaml`, JSON.stringify(part)])
  }
  const first = mainText(fleetActions, {
    supernodes: all.slice(0, FILE_SUPERNODES),
    includes: more.length > 0,
  })
  return [["policy.yaml", first], ...more]
}

function mainText(
  fleetActions: number | null,
  { supernodes, includes }: { supernodes: object[]; includes: boolean },
) {
  return JSON.stringify({
    version: 1,
    timezone: "UTC",
    ...(includes ? { include: ["more-*.yaml"] } : {}),
    ...(fleetActions === null ? {} : { fleet: { actions: `${fleetActions} per 24h` } }),
    defaults: {
      region: "cn-southwest-2",
      project_id: PROJECT_ID,
      cooldown: "60m",
      min_interval: "30m",
      warmup: "15m",
      rules: [
        {
          name: "npu-busy",
          metric: {
            "cloud-eye": { namespace: "AGT.ECS", name: "npu_util_rate_ai_core", period: "1m" },
            servers: "all",
            aggregate: "average",
            lag: "1m",
          },
          above: 85,
          clear: 70,
          points: "3 of 5",
        },
      ],
      ladder: [2, 4, 8].map((servers) => ({
        flavor: `rung-${servers}`,
        servers,
        price: { amount: 60_000 * servers, currency: "CNY", per: "month", commitment: "1 month" },
      })),
      order: {
        image_id: "f4059eb4-c2f5-46a8-9b33-6cbed5d3fc81",
        key_pair_name: "KeyPair-42c4",
        root_volume: { size: 200, type: "ESSD" },
      },
      limits: { actions: "2 per 24h", servers: 48 },
    },
    supernodes,
  })
}

export function supernodeId(nth: number): string {
  return `5e000000-0000-4000-8000-${nth.toString(16).padStart(12, "0")}`
}
