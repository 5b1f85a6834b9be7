import type { Amount } from "./money.ts"

/** `userdata` outside the wire: never the text itself. */
export interface UserdataDigest {
  sha256: string
  bytes: number
}

/** Body of POST …/live-scale-up (ServerHyperScaleUpRequest); on the wire `userdata` is base64 text. */
export interface ScaleUpBody {
  flavor: string
  image_id: string
  key_pair_name?: string
  root_volume?: { size?: number; type?: string }
  data_volume?: { size: number; type: string; count: number }
  userdata?: UserdataDigest
}

/** The exact request we would send, and the hash that a person confirms. */
export interface ScaleUpPlan {
  hash: string
  flavor: string
  from: number
  to: number
  /** null where the policy gives no price. */
  cost: Amount | null
  request: { method: "POST"; url: string; body: ScaleUpBody }
}
