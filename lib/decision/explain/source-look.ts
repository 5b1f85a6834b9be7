import { METRIC_SOURCES } from "../policy/choices.ts"
import type { Situation } from "../situation.ts"
import type { SourceLook } from "../state/blindness.ts"

const MAX_WHY = 200

/**
 * Sources that a run queried, and whether they had data: the supernode's API, and each metric source of its
 * rules. A metric source has no data if none of its rules received a datapoint. Alarms are left out, since a
 * tick does not query them.
 */
export function sourceLook({
  supernode,
  readings,
  policy,
}: Pick<Situation, "supernode" | "readings" | "policy">): SourceLook {
  const look: SourceLook = {}
  if (supernode.state === "read") look["supernode"] = null
  if (supernode.state === "unreadable") look["supernode"] = supernode.why.slice(0, MAX_WHY)
  if (readings.state !== "read") return look
  for (const source of METRIC_SOURCES.filter((one) => one !== "alarm")) {
    const rules = policy.rules.filter(({ metric }) => metric[source] !== undefined)
    const own = readings.value.filter(({ rule }) => rules.some(({ name }) => name === rule))
    if (own.length === 0) continue
    const hasData = own.some(({ series }) => series.some(({ points }) => points.length > 0))
    const why = own.find(({ problem }) => problem !== null)?.problem ?? "it returned no datapoints"
    look[source] = hasData ? null : why.slice(0, MAX_WHY)
  }
  return look
}
