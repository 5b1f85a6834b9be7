import { SANDBOX } from "../corridor/corridor.ts"
import { SandboxApart } from "../sandbox/apart.ts"

// The supernodes of a soak, which may buy again and again within seconds.

export const PROJECT_ID = "0123456789abcdef0123456789abcdef"
const FIRST_SERVERS = 2
/**
 * Allows more purchases than a soak makes. Not larger, because each worker reads every rung when it starts.
 */
const MAX_SERVERS = 24
/** Price of a server in hundredths of the currency. Each rung has one server more than the rung before. */
export const SERVER_MINOR = 1_000_00

export interface SoakSupernode {
  name: string
  id: string
  /** Id of its own Cloud Eye alarm, whose datapoints are evidence. */
  alarm: string
}

export function supernodesOf(count: number): SoakSupernode[] {
  return Array.from({ length: count }, (_, i) => {
    const number = String(i).padStart(3, "0")
    const id = `b4beacb6-4380-448c-a218-daa82cf03${number}`
    return { name: `soak-${i}`, id, alarm: `alsoak${number}` }
  })
}

export function flavorOf(servers: number): string {
  return `soak-${servers}.matrix`
}

const SIZES = Array.from({ length: MAX_SERVERS - FIRST_SERVERS + 1 }, (_, i) => FIRST_SERVERS + i)

/**
 * A policy without waits: only the first purchase can hold a second one back. Every other supernode may
 * conclude `accepted` by itself.
 */
export function policyOf(supernodes: readonly SoakSupernode[]): string {
  const shared = {
    region: "cn-southwest-2",
    project_id: PROJECT_ID,
    rules: [
      { name: "alarm-says-so", metric: { alarm: true }, above: 85 },
      {
        name: "npu-busy",
        metric: {
          "cloud-eye": { namespace: "AGT.ECS", name: "npu_util_rate_ai_core", period: "1m" },
          lag: "0s",
        },
        above: 85,
      },
    ],
    ladder: SIZES.map((servers) => ({
      flavor: flavorOf(servers),
      servers,
      price: { amount: (servers * SERVER_MINOR) / 100, currency: "CNY", per: "month" },
    })),
    order: { image_id: "f4059eb4-c2f5-46a8-9b33-6cbed5d3fc81" },
    limits: { actions: "9999 per 24h", servers: MAX_SERVERS },
    cooldown: "0s",
    min_interval: "0s",
    warmup: "0s",
  }
  const entries = supernodes.map(({ name, id, alarm }, i) => ({
    name,
    id,
    alarms: [{ "cloud-eye": alarm, metric: "npu_util_rate_ai_core" }],
    unknown_outcome: i % 2 === 0 ? "human" : "auto",
  }))
  return JSON.stringify({ version: 1, defaults: shared, supernodes: entries })
}

/** The cloud in its own process, on the real clock. */
export async function cloudFor(supernodes: readonly SoakSupernode[]): Promise<SandboxApart> {
  return SandboxApart.start({
    ...SANDBOX,
    provisioningMs: 200,
    supernodes: supernodes.map(({ id, name }) => ({
      id,
      name,
      projectId: PROJECT_ID,
      servers: FIRST_SERVERS,
      offers: SIZES.map((servers) => ({ flavor: flavorOf(servers), servers })),
      load: { load: 97 },
    })),
  })
}

/** Limits of minutes are reduced to a second, as far as settings allow. */
export const SOAK_SETTINGS = {
  SUPERNODE_SEND_WITHIN: "1s",
  SUPERNODE_BUY_TIMEOUT: "1s",
  SUPERNODE_LOG_LEVEL: "ERROR",
}
