import { readFile } from "node:fs/promises"
import { isNode, LineCounter, parseDocument } from "yaml"
import * as z from "zod"
import { counted, durationMs } from "../../decision/policy/amounts.ts"
import { didYouMean } from "../../decision/policy/did-you-mean.ts"
import { causeOf } from "../../policy-file/file-cause.ts"
import { ORDER_ENDINGS } from "../order-ending.ts"

// Format of a scenario file. It is as strict as a policy's: with a misspelt key a test would check nothing.

/** Time such as `09:05`, `09:05:30` or `+1d 09:05` -> milliseconds since 00:00 UTC of the first day. */
const time = z
  .string()
  .regex(/^(\+\d{1,2}d )?\d{2}:\d{2}(:\d{2})?$/, { error: 'must be a time such as "09:05" or "+1d 09:05"' })
  .transform((text) => {
    const [clock = "", days = "+0d"] = text.split(" ").reverse()
    const [hours = 0, minutes = 0, seconds = 0] = clock.split(":").map(Number)
    return (Number(days.slice(1, -1)) * 86_400 + hours * 3_600 + minutes * 60 + seconds) * 1_000
  })

const duration = z
  .string()
  .refine((text) => durationMs(text) !== null, { error: 'must be a duration such as "15m"' })
  .transform((text) => durationMs(text) ?? 0)

const words = z.union([z.string(), z.array(z.string())]).transform((said) => [said].flat())

/** Expected result of a signal. */
const expectation = z.strictObject({
  /** The order is sent for this total number of servers, and is accepted. */
  buys: z.int().optional(),
  /** Total number of servers of an order that is not accepted; `outcome` names its ending. */
  tries: z.int().optional(),
  outcome: z.enum(["unknown", "rejected", "not-sent"]).optional(),
  /** Total number of servers of the plan that live mode would buy. */
  would_buy: z.int().optional(),
  /** Expected `heldBy` of the decision. */
  held: z.string().optional(),
  /** Reasons that must be among the failed findings, besides `held`. */
  also: words.optional(),
  /** Texts, each of which a finding must contain. */
  says: words.optional(),
  mode: z.enum(["live", "observe", "dry-run"]).optional(),
  /** Recorded observations of the run: completed, partial, stuck, out-of-band … */
  observed: words.optional(),
  /** Text that the refusal of the operator command must contain. */
  refused: z.string().optional(),
  /** The run writes nothing. */
  writes: z.literal("nothing").optional(),
})
export type Expectation = z.output<typeof expectation>

const alarm = z.strictObject({
  state: z.enum(["alarm", "ok", "insufficient-data", "unknown"]).default("alarm"),
  /** Age of the alarm's own time. A negative age is in the future. */
  age: z
    .string()
    .regex(/^-?\d+[smh]$/)
    .transform((text) => (text.startsWith("-") ? -(durationMs(text.slice(1)) ?? 0) : (durationMs(text) ?? 0)))
    .prefault("30s"),
  /** Repeats the last delivery of an alarm to this supernode. */
  again: z.literal(true).optional(),
  /** The alarm's own datapoints, newest first, a minute apart. */
  points: z.array(z.number()).optional(),
})

const request = z.strictObject({
  servers: z.int().optional(),
  mode: z.enum(["dry-run", "live"]).default("live"),
  by: z.string().default("ann"),
  /** Plan hash of the request: of the plan shown last, of one that was never shown, or none. */
  plan: z.enum(["shown", "other", "none"]).default("shown"),
  bypass_cooldown: z.boolean().default(false),
})

const cloud = z.strictObject({
  /** Endings of the next orders, first to last. */
  next: z.array(z.enum(ORDER_ENDINGS)).optional(),
  /** Number of servers that the next order really adds. */
  delivers: z.int().optional(),
  /** Provisioning time of new servers from now on. */
  provisioning: duration.optional(),
  /** Number of servers that an operator adds by hand. */
  add: z.int().optional(),
  /** Ids of servers that become DELETED (`delete`), silently leave the list (`hide`), or return (`show`). */
  delete: words.optional(),
  hide: words.optional(),
  show: words.optional(),
  /** Status of a server by its id, until it is set again. */
  server: z.record(z.string(), z.string()).optional(),
  status: z.string().optional(),
  sold_out: z.array(z.string()).optional(),
  not_offered: z.array(z.string()).optional(),
  /** Sources that cannot be read from now on; [] for none. */
  unreadable: z.array(z.enum(["supernode", "metrics", "offers"])).optional(),
  /** Unreadable sources fail with 401 instead of 503. */
  refuses_keys: z.boolean().optional(),
  /** The cloud's clock minus ours. */
  clock_ahead: duration.optional(),
})

const person = z.strictObject({ by: z.string().default("ann"), why: z.string().default("because") })

const step = z
  .strictObject({
    at: time,
    /** Supernode of this step. Defaults to the first one of the scenario. */
    on: z.string().optional(),
    /** Comment of the author, without effect. */
    note: z.string().optional(),
    alarm: alarm.optional(),
    tick: z.strictObject({ again: z.literal(true).optional() }).optional(),
    request: request.optional(),
    pause: person.extend({ all: z.boolean().default(false), lasts: duration.optional() }).optional(),
    resume: person.extend({ all: z.boolean().default(false) }).optional(),
    hold: person.extend({ lasts: duration }).optional(),
    approve: person.optional(),
    settle: person.extend({ as: z.enum(["accepted", "completed", "absent"]) }).optional(),
    reset: person.optional(),
    cloud: cloud.optional(),
    /** Keys of the policy that change from now on. */
    policy: z.record(z.string(), z.unknown()).optional(),
    mode: z.enum(["live", "observe"]).optional(),
    expect: expectation.optional(),
  })
  .refine((one) => WAKES.filter((key) => one[key] !== undefined).length <= 1, {
    error: "must have at most one of alarm, tick and request",
  })
  .refine((one) => !WAKES.some((key) => one[key] !== undefined) || one.expect !== undefined, {
    error: "must have expect, because it starts a run",
  })
export type Step = z.output<typeof step>
export const WAKES = ["alarm", "tick", "request"] as const

export const scenarioSchema = z.strictObject({
  title: z.string().min(1),
  /** Rule that the scenario shows, as a comment without effect. */
  rule: z.string().optional(),
  /** Day of the scenario, UTC. */
  day: z.iso.date().default("2026-03-02"),
  /** Keys that replace those of the scenario's supernodes (`policy`) or of the whole policy file (`file`). */
  policy: z.record(z.string(), z.unknown()).default({}),
  file: z.record(z.string(), z.unknown()).default({}),
  /**
   * Supernodes and the number of servers that each starts with, all 30 days old. Defaults to all supernodes
   * of the policy on their smallest rungs.
   */
  supernodes: z.record(z.string(), z.int().min(1)).optional(),
  provisioning: duration.prefault("10m"),
  mode: z.enum(["live", "observe"]).default("live"),
  /** Value of the metric from that time on; later lines win. If `value` is `null`, no server reports. */
  load: z
    .array(
      z.strictObject({
        from: time,
        value: z.number().nullable(),
        rule: z.string().optional(),
        server: z.string().optional(),
        on: z.string().optional(),
      }),
    )
    .default([{ from: 0, value: 97 }]),
  timeline: z.array(step).min(1),
  /** Total number of orders that reached the cloud. */
  orders: z.int(),
})
export type Scenario = z.output<typeof scenarioSchema>

/** A scenario and its file. */
export interface ScenarioFile {
  path: string
  scenario: Scenario
  /** `file:line:column: path: message`, with the position of that value in the file. */
  placed(path: readonly PropertyKey[], message: string): string
}

/** Scenario files cannot be played. `problems` are lines `file:line:column: …`. */
export class ScenarioError extends Error {
  override readonly name = "ScenarioError"

  constructor(readonly problems: readonly string[]) {
    super(`the scenarios have ${counted(problems.length, "problem")}; nothing was played`)
  }
}

/** Reads a scenario file. Throws ScenarioError with all its problems. */
export async function readScenario(path: string): Promise<ScenarioFile> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new ScenarioError([`${path}:1:1: cannot be read: ${causeOf(error)}`])
  })
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const at = (offset: number, rest: string) => {
    const { line, col } = lines.linePos(offset)
    return `${path}:${line}:${col}: ${rest}`
  }
  if (document.errors.length > 0)
    throw new ScenarioError(document.errors.map((error) => at(error.pos[0], error.message)))
  const placed = (keys: readonly PropertyKey[], message: string) => {
    let parents = [...keys] as (string | number)[]
    while (parents.length > 0 && !isNode(document.getIn(parents, true))) parents = parents.slice(0, -1)
    const node = parents.length > 0 ? document.getIn(parents, true) : document.contents
    const where = keys.length === 0 ? "" : `${keys.join(".")}: `
    return at(isNode(node) ? (node.range?.[0] ?? 0) : 0, `${where}${message}`)
  }
  const parsed = scenarioSchema.safeParse(document.toJS())
  if (parsed.success) return { path, scenario: parsed.data, placed }
  throw new ScenarioError(
    parsed.error.issues.map((issue) => placed(issue.path, `${issue.message}${similarKeys(issue)}`)),
  )
}

/** `; did you mean expect?` for misspelt keys. */
function similarKeys(issue: z.core.$ZodIssue): string {
  if (issue.code !== "unrecognized_keys") return ""
  const near = issue.keys.flatMap((key) => didYouMean(key, KNOWN_KEYS) ?? [])
  return near.length > 0 ? `; did you mean ${near.join(", ")}?` : ""
}

const KNOWN_KEYS = [...new Set([scenarioSchema, step, expectation, alarm, request, cloud].flatMap(keysOf))]

function keysOf(schema: z.ZodObject): string[] {
  return Object.keys(schema.shape)
}
