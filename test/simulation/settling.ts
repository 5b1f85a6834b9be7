import type { OpenAttempt } from "../../lib/decision/state/attempt.ts"
import type { SupernodeState } from "../../lib/decision/state/state.ts"
import type { SimulatedSupernode } from "./supernode.ts"
import type { World } from "./world.ts"

const MINUTE = 60_000

interface OperatorView {
  world: World
  attempt: OpenAttempt
  supernode: SimulatedSupernode
}

/** Settlement by a person who knows the truth, as the command line allows it. `null` if it is too early. */
export function wordFor({
  world,
  attempt,
  supernode,
}: OperatorView): "accepted" | "completed" | "absent" | null {
  const order = supernode.orderFor(attempt.id)
  const isDelivering = supernode.delivering.some((one) => one === order)
  const hasNewcomers = supernode.present().some(({ id }) => !attempt.before.includes(id))
  switch (attempt.state) {
    case "accepted":
      return null
    case "open":
      if (world.scheduler.now <= attempt.deadline + 10 * MINUTE) return null
      return wordForUnknown()
    case "unknown":
      return wordForUnknown()
    case "stuck":
    case "partial":
    case "wrong": {
      if (isDelivering) return null
      for (const { id, status } of supernode.present())
        if (status === "CREATE_FAILED") supernode.change(id, "DELETED")
      return "completed"
    }
    default:
      return attempt.state satisfies never
  }

  function wordForUnknown() {
    if (order?.fate === "travelling") {
      // The order may still arrive, which the console does not show: most people wait, some settle as absent.
      return world.random.chance(0.1) && !hasNewcomers ? "absent" : null
    }
    if (order?.fate === "accepted") return isDelivering ? "accepted" : "completed"
    // The command line refuses `absent` if new servers are present: it prefers to count too much.
    return hasNewcomers ? "completed" : "absent"
  }
}

/** Known servers that the cloud no longer lists. */
export function missingIn(state: SupernodeState, supernode: SimulatedSupernode): boolean {
  const listed = (supernode.view().servers ?? []).map(({ id }) => id)
  return (state.servers ?? []).some((id) => !listed.includes(id))
}

/** Fixes a size without a rung, or a failed server, in the console. */
export function mendInConsole(world: World, supernode: SimulatedSupernode): void {
  if (supernode.pending.length > 0) return
  for (const { id, status } of supernode.present())
    if (status === "CREATE_FAILED") supernode.change(id, "DELETED")
  const sizes = supernode.policy.ladder.map(({ servers }) => servers)
  const wanted = sizes.find((size) => size >= supernode.count) ?? supernode.count
  if (supernode.count === wanted) return
  while (supernode.count < wanted) supernode.add()
  world.trace(`people mend ${supernode.policy.name}: ${supernode.count} servers`)
}
