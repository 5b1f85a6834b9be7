import type { LoadedPolicy } from "../decision/policy/loaded-policy.ts"
import type { Policy } from "../decision/policy/policy.ts"
import { supernodeStream } from "../ledger/next-entry.ts"
import type { PolicyFile } from "../policy-file/load.ts"
import { SignalRouter } from "../signals/route.ts"

/** Lookup tables for the supernodes of one policy file; every event needs them. */
export interface Fleet {
  router: SignalRouter
  loadedBy: ReadonlyMap<Policy, LoadedPolicy>
  /** Streams of all supernodes, in the order of the policy file. */
  streams: readonly string[]
}

const fleets = new WeakMap<PolicyFile, Fleet>()

/** Builds the Fleet once per policy file, not per event: its cost grows with the number of supernodes. */
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
