import { stringify } from "yaml"
import type { CloudEyeMetric } from "../../../lib/cloud-eye.ts"
import type { Offer } from "../../../lib/decision/inputs/supernode.ts"
import { counted } from "../../../lib/decision/policy/amounts.ts"

// The text of a new policy. Its ladder has only the current rung, so nothing can be bought before a person
// edits it (`validate` warns: nothing-to-buy). The YAML library writes and quotes foreign text.

/** One supernode as the cloud showed it, or with placeholders. */
export interface NewSupernode {
  region: string
  projectId: string
  id: string
  /** Name in the cloud; `null` if there is none. */
  name: string | null
  /** Number of present servers; `null` if unknown. */
  servers: number | null
  /**
   * Flavor of the first server, since no response has the flavor of the whole supernode. `null` if unknown.
   */
  flavor: string | null
  offers: readonly Offer[]
  whyNoOffers: string | null
  /** Metrics that Cloud Eye has for the first server. */
  metrics: readonly CloudEyeMetric[]
}

/** Placeholder for every id that a person must write. No supernode and no image has this id. */
const PLACEHOLDER_ID = "00000000-0000-4000-8000-000000000000"

export const PLACEHOLDER_SUPERNODE: NewSupernode = {
  region: "cn-southwest-2",
  projectId: "00000000000000000000000000000000",
  id: PLACEHOLDER_ID,
  name: "train-a",
  servers: null,
  flavor: null,
  offers: [],
  whyNoOffers: null,
  metrics: [],
}

/** A `NewSupernode` with a unique name that the policy's rules allow. */
export interface NamedSupernode extends NewSupernode {
  policyName: string
}

const POLICY_NAME = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$/

export function namedSupernodes(supernodes: readonly NewSupernode[]): NamedSupernode[] {
  const usedNames = new Set<string>()
  return supernodes.map((supernode, i) => {
    const { name } = supernode
    const isFree = name !== null && POLICY_NAME.test(name) && !usedNames.has(name.toLowerCase())
    const policyName = isFree ? name : `supernode-${i + 1}`
    usedNames.add(policyName.toLowerCase())
    return { ...supernode, policyName }
  })
}

export function policyText(supernodes: readonly NamedSupernode[]): string {
  const isChinese = supernodes.every(({ region }) => region.startsWith("cn-"))
  return [
    "# A new policy. It buys nothing yet: its ladder has only the present size, and SUPERNODE_MODE is not set.",
    "# Go through the lines marked EDIT, then run: supernode-autoscaler validate",
    "# All keys with their meaning: docs/policy.md. A complete example: examples/policy.yaml.",
    "",
    "version: 1",
    `timezone: ${isChinese ? "Asia/Shanghai" : "UTC"}   # EDIT: of schedules, calendar budgets and the times that are shown`,
    "",
    "supernodes:",
    ...supernodes.flatMap(supernodeLines),
    "",
  ].join("\n")
}

function supernodeLines(supernode: NamedSupernode): string[] {
  const { region, projectId, id, policyName } = supernode
  const isPlaceholder = id === PLACEHOLDER_ID
  const edit = isPlaceholder ? "   # EDIT" : ""
  return [
    `  - name: ${quoted(policyName)}`,
    `    region: ${quoted(region)}${edit}`,
    `    project_id: ${quoted(projectId)}${edit}`,
    `    id: ${quoted(id)}${isPlaceholder ? "   # EDIT: of the Lite Server supernode; not its hps_id" : ""}`,
    "",
    "    # EDIT: alarms that start a run, such as { cloud-eye: al0123456789abcdefghijklm }. Ticks start runs, too.",
    "    alarms: []",
    "",
    "    rules:                       # evidence: 3 of the 5 newest 5-minute averages above 85",
    ...ruleLines(supernode),
    "",
    ...ladderLines(supernode),
    "",
    "    order:                       # EDIT: what new servers are made of",
    `      image_id: ${quoted(PLACEHOLDER_ID)}   # EDIT: no image has this id`,
    "      key_pair_name: EDIT-key-pair",
    "",
    "    limits:",
    "      actions: 1 per 24h         # purchases in any 24 hours",
    `      servers: ${sizeOf(supernode)}                 # EDIT: the most servers in all`,
    "      # budget: { amount: 100000, currency: CNY, per: 30d }   # EDIT: needs a price on each rung",
  ]
}

const DEFAULT_METRIC = { namespace: "AGT.ECS", name: "npu_util_rate_ai_core" }

function ruleLines({ metrics }: NamedSupernode): string[] {
  const known = metricIn(metrics)
  const all = metrics.map((one) => flow({ namespace: one.namespace, name: one.metric_name }))
  const chosen = known && flow({ namespace: known["namespace"], name: known["name"] })
  const others = [...new Set(all)].filter((text) => text !== chosen).slice(0, 20)
  return [
    "      - name: load",
    `        metric: { cloud-eye: ${flow({ ...(known ?? DEFAULT_METRIC), period: "5m" })} }`,
    ...(known
      ? []
      : [
          "        # EDIT: Cloud Eye listed no load metric of the servers. `doctor` lists the metrics that it has.",
        ]),
    ...(others.length > 0 ? ["        # Further metrics of the first server in Cloud Eye:"] : []),
    ...others.map((text) => `        #   ${text}`),
    "        above: 85                # EDIT",
    "        points: 3 of 5",
  ]
}

/** The metric that most likely shows the load, with a "*" for each dimension other than the server's. */
function metricIn(metrics: readonly CloudEyeMetric[]): Record<string, unknown> | null {
  const found =
    metrics.find(({ metric_name: name }) => name === DEFAULT_METRIC.name) ??
    metrics.find(({ metric_name: name }) => /npu.*util|util.*npu/.test(name)) ??
    metrics.find(({ metric_name: name }) => name.includes("util"))
  if (!found) return null
  const further = found.dimensions.filter(({ name }) => name !== "instance_id").map(({ name }) => [name, "*"])
  const dimensions = { instance_id: "{server.cloud_server.hps_ecs_id}", ...Object.fromEntries(further) }
  return {
    namespace: found.namespace,
    name: found.metric_name,
    ...(further.length > 0 ? { dimensions } : {}),
  }
}

/**
 * Lines of the ladder. The current rung is never ordered, so its flavor is only a name. Larger rungs are
 * comments, since no response says how many servers they have.
 */
function ladderLines(supernode: NamedSupernode): string[] {
  const { offers, whyNoOffers, servers } = supernode
  const size = sizeOf(supernode)
  const rungs = offers
    .filter(({ flavor }) => flavor !== flavorOf(supernode))
    .map(({ flavor, soldOut }) => {
      const rung = `- { flavor: ${quoted(flavor)}, servers: N, price: { amount: PRICE, currency: CNY, per: month } }`
      return `      # ${rung}${soldOut === true ? "   # sold out now" : ""}`
    })
  return [
    "    ladder:                      # EDIT: the sizes that you allow, smallest first; `servers` is the total after the order",
    `      - { flavor: ${quoted(flavorOf(supernode))}, servers: ${size} }   # ${servers === null ? "EDIT: " : ""}the present size, which is never ordered`,
    ...(rungs.length > 0
      ? [
          "      # The cloud offers these flavors for this supernode. Fill in N and PRICE, and remove the #:",
          ...rungs,
        ]
      : [
          `      # EDIT: add a rung for each larger size${whyNoOffers === null ? "" : "; the offers could not be read, see doctor"}:`,
          "      # - { flavor: FLAVOR, servers: N, price: { amount: PRICE, currency: CNY, per: month } }",
        ]),
  ]
}

/** Number of servers of the only rung: at least 1, at most 48 (Huawei Cloud's limit). */
export function sizeOf({ servers }: NewSupernode): number {
  return Math.min(48, Math.max(1, servers ?? 1))
}

const FLAVOR = /^[A-Za-z0-9._-]{1,128}$/

export function flavorOf({ flavor }: NewSupernode): string {
  return flavor !== null && FLAVOR.test(flavor) ? flavor : "present-size"
}

/**
 * Keeps every text on one line. Without these options the library breaks long texts that contain a line end.
 */
const ONE_LINE = {
  defaultStringType: "QUOTE_DOUBLE",
  lineWidth: 0,
  doubleQuotedMinMultiLineLength: Number.POSITIVE_INFINITY,
} as const

/** A text as one YAML scalar in double quotes, always on one line. */
export function quoted(text: string): string {
  return oneLine(stringify(text, ONE_LINE))
}

/** Line ends of YAML 1.1 and their escapes. The library writes these characters unescaped. */
const LINE_ENDS = { "\u0085": "\\N", "\u2028": "\\L", "\u2029": "\\P" } as const

function oneLine(yaml: string): string {
  return Object.entries(LINE_ENDS).reduce(
    (text, [end, written]) => text.replaceAll(end, written),
    yaml.trimEnd(),
  )
}

/** A mapping on one line, its texts in double quotes. */
function flow(value: Record<string, unknown>): string {
  return oneLine(
    stringify(value, {
      ...ONE_LINE,
      collectionStyle: "flow",
      defaultKeyType: "PLAIN",
    }),
  )
}

/** Scenario for the new policy, which `test` passes: one purchase, and the cooldown after it. */
export function scenarioText(
  [first]: readonly NamedSupernode[],
  files: { policy: string; scenario: string },
): string {
  if (!first) return ""
  const size = sizeOf(first)
  const larger = first.offers.find(({ flavor }) => flavor !== flavorOf(first))?.flavor ?? "a-larger-size"
  const next = size + 1
  const head = [
    "# One situation and its expected result. Play it with:",
    `#   supernode-autoscaler test ${files.scenario} --policy ${files.policy}`,
    "# The format: docs/scenarios.md",
  ]
  if (next > 48)
    return [
      ...head,
      "title: Under high load nothing is bought above the largest size",
      `supernodes: { ${quoted(first.policyName)}: ${size} }`,
      "timeline:",
      '  - { at: "10:00", tick: {}, expect: { held: already-there } }',
      "orders: 0",
      "",
    ].join("\n")
  return [
    ...head,
    `title: Under high load one purchase is made, from ${size} to ${counted(next, "server")}, and a cooldown follows`,
    `supernodes: { ${quoted(first.policyName)}: ${size} }`,
    "policy:                          # EDIT: remove this key once the policy itself has a larger rung",
    "  ladder:",
    `    - { flavor: ${quoted(flavorOf(first))}, servers: ${size} }`,
    `    - { flavor: ${quoted(larger)}, servers: ${next} }`,
    `  limits: { actions: 1 per 24h, servers: ${next} }`,
    "timeline:                        # the load is 97 in all periods",
    `  - { at: "10:00", tick: {}, expect: { buys: ${next} } }`,
    '  - { at: "10:05", tick: {}, expect: { held: in-flight } }',
    '  - { at: "10:15", note: "the servers run since 10:10", tick: {}, expect: { held: cooldown, observed: completed } }',
    "orders: 1",
    "",
  ].join("\n")
}
