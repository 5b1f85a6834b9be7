// Values that policy keys allow. Imports no schemas, since loading them takes longer than a whole decision.

/** Maximum number of subnodes after scale-out (Huawei Cloud, limits of Lite Server supernodes). */
export const MAX_SERVERS = 48

/** Hours of each price period, for a commitment in another unit than the price. A month counts as 730 h. */
export const PERIOD_HOURS = { hour: 1, day: 24, week: 168, month: 730, year: 8760 } as const
export type PricePeriod = keyof typeof PERIOD_HOURS

export const METRIC_SOURCES = ["cloud-eye", "prometheus", "cloudwatch", "alarm"] as const

/** Breaching side of a threshold: `above` is `>`, `at_least` is `>=`, `below` is `<`, `at_most` is `<=`. */
export const COMPARISONS = ["above", "at_least", "below", "at_most"] as const
export type ComparisonOperator = (typeof COMPARISONS)[number]

/** Names allowed in braces in a metric's dimensions; each is a field of the supernode or of one server. */
export const DIMENSION_TEMPLATES = [
  "{supernode.id}",
  "{server.id}",
  "{server.name}",
  "{server.cloud_server.id}",
  "{server.cloud_server.hps_id}",
  "{server.cloud_server.hps_ecs_id}",
] as const
