import type { Reading } from "../decision/inputs/reading.ts"
import { presentServers } from "../decision/inputs/supernode.ts"
import type { MetricQuestion } from "../ports.ts"

/**
 * The alarm's own datapoints as a reading. `server` is the one whose `hps_ecs_id` the alarm names as `instance_id`, null
 * otherwise. Whether the alarm is about this supernode at all is for the evidence gate to judge.
 */
export function readAlarm(
  rule: string,
  { signal, supernode }: Pick<MetricQuestion, "signal" | "supernode">,
): Reading {
  if (signal.kind !== "alarm") {
    return { rule, periodMs: null, series: [], problem: "this run was not woken by an alarm" }
  }
  if (signal.points === null || signal.points.length === 0) {
    return { rule, periodMs: signal.periodMs, series: [], problem: "the alarm carries no datapoints" }
  }
  const instance = signal.resource["instance_id"]
  const server =
    instance === undefined
      ? undefined
      : presentServers(supernode).find(({ cloudServer }) => cloudServer.hpsEcsId === instance)
  return {
    rule,
    periodMs: signal.periodMs,
    series: [{ server: server?.id ?? null, points: signal.points }],
    problem: null,
  }
}
