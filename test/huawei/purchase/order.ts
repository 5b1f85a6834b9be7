import { createHash } from "node:crypto"
import type { LookupAddress } from "node:dns"
import type { LookupFunction } from "node:net"
import { type ScaleUpBody, scaleUpUrl } from "../../../lib/decision/plan.ts"
import type { BuyDeps } from "../../../lib/huawei/purchase/live-scale-up.ts"
import type { BuyOrder } from "../../../lib/ports.ts"
import { KEYS, NOW, POLICY, STILL } from "../fixture.ts"

export const FLAVOR = "kat3ne-32-800t.192xlarge.8.matrix"

export interface Wanted {
  endpoint: string
  timeoutMs?: number
  sendBefore?: number
  sendBeforeMonotonic?: number
  userdata?: string | null
  body?: Partial<ScaleUpBody>
}

/** An order that may be sent within a minute, by a clock that does not move. */
export function orderTo(wanted: Wanted): BuyOrder {
  const { endpoint, userdata = null, body = {} } = wanted
  return {
    attempt: "attempt-1",
    policy: POLICY,
    plan: {
      hash: "sha256:0",
      flavor: FLAVOR,
      from: 2,
      to: 4,
      cost: null,
      request: {
        method: "POST",
        url: scaleUpUrl(endpoint, POLICY),
        body: { flavor: FLAVOR, image_id: POLICY.order.image_id, ...body },
      },
    },
    userdata,
    sendBefore: wanted.sendBefore ?? NOW + 60_000,
    sendBeforeMonotonic: wanted.sendBeforeMonotonic ?? STILL.monotonic() + 60_000,
    timeoutMs: wanted.timeoutMs ?? 60_000,
  }
}

export const DEPS: BuyDeps = { credentials: () => Promise.resolve(KEYS), clock: STILL }

export function digestOf(raw: string) {
  return { sha256: `sha256:${createHash("sha256").update(raw).digest("hex")}`, bytes: Buffer.byteLength(raw) }
}

/** Name resolution that returns these addresses for every name. */
export function lookupOf(...addresses: string[]): LookupFunction {
  const all: LookupAddress[] = addresses.map((address) => ({ address, family: 4 }))
  return (_host, options, callback) => {
    if (options.all) callback(null, all)
    else callback(null, all[0]?.address ?? "", 4)
  }
}
