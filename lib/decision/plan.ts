import type { Target } from "./decision.ts"
import { idKey } from "./inputs/id.ts"
import { presentServers } from "./inputs/supernode.ts"
import { orderCost } from "./money/cost.ts"
import { type Amount, amountOf } from "./policy/money.ts"
import type { Policy } from "./policy/policy.ts"
import type { Situation } from "./situation.ts"

/** Hash of a value's canonical JSON; passed in, since lib/decision has no hash function. */
export type Digest = (value: unknown) => string

/** `userdata` outside the request: never the text itself. */
export interface UserdataDigest {
  sha256: string
  bytes: number
}

/** Body of POST …/live-scale-up (ServerHyperScaleUpRequest); in the request `userdata` is base64 text. */
export interface ScaleUpBody {
  flavor: string
  image_id: string
  key_pair_name?: string
  root_volume?: { size?: number; type?: string }
  data_volume?: { size: number; type: string; count: number }
  userdata?: UserdataDigest
}

/** The exact request, and the hash that a person confirms. */
export interface ScaleUpPlan {
  hash: string
  flavor: string
  from: number
  to: number
  /** null if the policy gives no price. */
  cost: Amount | null
  request: { method: "POST"; url: string; body: ScaleUpBody }
}

/** Target of the order (API page, URI). */
export function scaleUpUrl(endpoint: string, policy: Pick<Policy, "projectId" | "id">): string {
  return `${endpoint}/v1/${policy.projectId}/dev-servers/hyperinstance/${policy.id}/live-scale-up`
}

/**
 * The exact order for a target. Its hash covers what is bought, from which state, its cost, the ledger and
 * the newest attempt, but no times. So a plan can be bought only once. A plan of another ledger, or made
 * without a ledger, cannot be bought.
 */
export function planScaleUp(situation: Situation, target: Target, digest: Digest): ScaleUpPlan {
  const { policy, endpoint, supernode, control, state } = situation
  const { image_id, key_pair_name, root_volume, data_volume, userdata } = policy.order
  const body: ScaleUpBody = {
    flavor: target.flavor,
    image_id,
    ...(key_pair_name === undefined ? {} : { key_pair_name }),
    ...(root_volume === undefined ? {} : { root_volume: withoutUndefined(root_volume) }),
    ...(data_volume === undefined ? {} : { data_volume }),
    ...(userdata === undefined ? {} : { userdata }),
  }
  const cost = orderCost(policy.ladder, target.from, target.to)
  const shown = {
    flavor: target.flavor,
    from: target.from,
    to: target.to,
    cost: cost && amountOf(cost),
    request: { method: "POST" as const, url: scaleUpUrl(endpoint, policy), body },
  }
  const servers =
    supernode.state === "read"
      ? presentServers(supernode.value)
          .map((server) => idKey(server.id))
          .sort()
      : []
  const { method, url } = shown.request
  const hash = digest({
    supernode: policy.id,
    method,
    url,
    body,
    servers,
    from: target.from,
    to: target.to,
    cost: shown.cost,
    ledger: control.state === "read" ? (control.value.ledger?.id ?? null) : null,
    after: state.newestAttempt ?? null,
  })
  return { hash, ...shown }
}

function withoutUndefined({ size, type }: { size?: number | undefined; type?: string | undefined }): {
  size?: number
  type?: string
} {
  return { ...(size === undefined ? {} : { size }), ...(type === undefined ? {} : { type }) }
}
