import type { LoadedPolicy } from "../decision/policy/loaded-policy.ts"
import type { Policy } from "../decision/policy/policy.ts"
import { supernodeStream } from "../ledger/next-entry.ts"
import type { PolicyFile } from "../policy-file/load.ts"
import { SignalRouter } from "../signals/route.ts"

/** The supernodes of one policy file, as every event needs them. */
export interface Fleet {
  router: SignalRouter
  loadedBy: ReadonlyMap<Policy, LoadedPolicy>
  /** The supernodes' streams, in the file's order. */
  streams: readonly string[]
}

const fleets = new WeakMap<PolicyFile, Fleet>()

/** Made once per policy file: for each event anew it would cost the more, the more supernodes there are. */
export function fleetOf(file: PolicyFile): Fleet {
  const known = fleets.get(file)
  if (known) return known
  const policies = file.supernodes.map(({ policy }) => policy)
  const fleet = {
    router: new SignalRouter(policies),
    loadedBy: new Map(file.supernodes.map((loaded) => [loaded.policy, loaded])),
    streams: policies.map(({ id }) => supernodeStream(id)),
  }
  fleets.set(file, fleet)
  return fleet
}
