import * as z from "zod"

// Documents that commands print with `--json`, each with a JSON Schema in docs/cli/. Times are epoch
// milliseconds.

const instant = z.number()
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/)
const amount = z.strictObject({ amount: z.number(), currency: z.string() })
const place = z.strictObject({
  file: z.string(),
  line: z.int(),
  column: z.int(),
  path: z.string(),
  message: z.string(),
})

const error = z.strictObject({
  kind: z.enum([
    "usage",
    "settings",
    "policy",
    "event",
    "ledger",
    "command",
    "runs",
    "load",
    "scenario",
    "internal",
  ]),
  message: z.string(),
  problems: z.array(z.union([z.string(), place])),
})

const finding = z.strictObject({
  gate: z.string(),
  passed: z.boolean().nullable(),
  reason: z.string().nullable(),
  says: z.string(),
  facts: z.record(z.string(), z.unknown()),
})

const volume = z.strictObject({
  size: z.int().optional(),
  type: z.string().optional(),
  count: z.int().optional(),
})

const plan = z.strictObject({
  hash: digest,
  flavor: z.string(),
  from: z.int(),
  to: z.int(),
  cost: amount.nullable(),
  request: z.strictObject({
    method: z.literal("POST"),
    url: z.string(),
    body: z.strictObject({
      flavor: z.string(),
      image_id: z.string(),
      key_pair_name: z.string().optional(),
      root_volume: volume.optional(),
      data_volume: volume.optional(),
      userdata: z.strictObject({ sha256: digest, bytes: z.int() }).optional(),
    }),
  }),
})

const requestId = z.string().nullable()
const outcome = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("accepted"),
    status: z.int(),
    orderId: z.string().nullable(),
    requestId,
    servers: z.array(z.string()),
  }),
  z.strictObject({
    kind: z.literal("rejected"),
    status: z.int(),
    class: z.string(),
    code: z.string(),
    message: z.string().nullable(),
    retryAfterMs: z.number().nullable(),
    requestId,
  }),
  z.strictObject({ kind: z.literal("not-sent"), reason: z.string(), says: z.string() }),
  z.strictObject({
    kind: z.literal("unknown"),
    reason: z.string(),
    says: z.string(),
    status: z.int().nullable(),
    code: z.string().nullable(),
    requestId,
  }),
])

const entryRef = z.strictObject({ stream: z.string(), seq: z.int(), hash: digest })

const result = z.strictObject({
  supernode: z.string(),
  mode: z.enum(["live", "dry-run", "observe"]),
  observed: z.string().optional(),
  decision: z.strictObject({
    kind: z.enum(["scale-up", "hold"]),
    heldBy: z.string().nullable(),
    findings: z.array(finding),
  }),
  plan: plan.optional(),
  outcome: outcome.optional(),
  entry: entryRef.nullable().optional(),
})

const ledger = z.strictObject({ place: z.string(), id: z.string() })
const said = z.looseObject({ verb: z.string(), by: z.string() })

/**
 * Output of a command that writes to the ledger; `entry` and `said` are `null` if there was nothing to
 * record.
 */
const command = z.strictObject({ entry: entryRef.nullable(), said: said.nullable(), ledger })

const madeLedger = ledger.extend({ at: instant, origin: z.enum(["empty", "nothing-in-flight", "adopted"]) })
const restored = z.strictObject({
  at: instant,
  why: z.string(),
  by: z.string(),
  confirmed: z.array(z.string()),
})

const most = z.strictObject({ purchases: z.number().nullable(), spend: amount.nullable(), says: z.string() })
const worstCase = z.strictObject({ day: most, month: most })
const warning = place.extend({ id: z.string() })

const stop = z.strictObject({ why: z.string(), by: z.string(), at: instant, until: instant.nullable() })
const hold = z.strictObject({ heldBy: z.string(), says: z.string(), nearest: z.string().nullable() })
const rate = z.strictObject({ used: z.int(), allowed: z.int(), left: z.int(), perMs: z.number() })
const budget = z.strictObject({
  spent: amount,
  cap: amount,
  left: amount,
  per: z.union([z.literal("month"), z.number()]),
  since: instant,
  window: z.string(),
})
const start = z.looseObject({ at: instant })
const schedule = z.strictObject({
  name: z.string(),
  cron: z.string(),
  timezone: z.string(),
  forMs: z.number(),
  atLeast: z.int(),
  bypassesCooldown: z.boolean(),
  active: z
    .strictObject({
      occurrence: z.string(),
      since: instant,
      until: instant,
      acted: z.strictObject({ at: instant, attempt: z.string() }).nullable(),
    })
    .nullable(),
  next: start.nullable(),
})

const witness = z.strictObject({
  at: instant,
  servers: z
    .strictObject({
      present: z.int(),
      added: z.int(),
      ids: z.array(z.string()),
      orderIds: z.array(z.string()),
    })
    .nullable(),
  traces: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("read"),
      count: z.int(),
      kept: z.array(
        z.strictObject({
          at: instant.nullable(),
          user: z.string().nullable(),
          status: z.int().nullable(),
          flavor: z.string().nullable(),
          source: z.string().nullable(),
        }),
      ),
    }),
    z.strictObject({
      kind: z.literal("unread"),
      reason: z.enum(["not-configured", "too-old", "no-answer", "no-right"]),
      why: z.string(),
    }),
  ]),
  says: z.strictObject({ servers: z.string(), traces: z.string() }),
})

const supernodeStatus = z.strictObject({
  name: z.string(),
  id: z.string(),
  mode: z.enum(["live", "observe"]),
  servers: z
    .strictObject({ status: z.string(), byStatus: z.record(z.string(), z.int()), count: z.int() })
    .nullable(),
  rung: z.strictObject({ number: z.int(), of: z.int(), flavor: z.string(), servers: z.int() }).nullable(),
  load: z.array(
    z.strictObject({
      rule: z.string(),
      source: z.enum(["cloud-eye", "prometheus", "cloudwatch", "alarm"]),
      value: z.number().nullable(),
      at: instant.nullable(),
      verdict: z.enum(["breaching", "not-breaching", "missing-data", "latched", "off"]),
      says: z.string(),
      problem: z.string().nullable(),
    }),
  ),
  unread: z.array(z.strictObject({ source: z.string(), why: z.string() })),
  armingUntil: z.union([instant, z.literal("unseen")]).nullable(),
  paused: stop.extend({ scope: z.enum(["all", "supernode"]) }).nullable(),
  held: stop.nullable(),
  attempt: z.looseObject({ id: z.string(), state: z.string(), cost: amount.nullable() }).nullable(),
  breaker: z.strictObject({ class: z.string(), since: instant, says: z.string() }).nullable(),
  efficacy: z.strictObject({ stopped: z.boolean(), says: z.string() }).nullable(),
  backoffUntil: instant.nullable(),
  blockedFlavors: z.record(z.string(), instant),
  rulesOff: z.array(z.string()),
  cooldownUntil: instant.nullable(),
  purchases: rate,
  budget: budget.nullable(),
  schedules: z.array(schedule),
  lastDecision: z
    .strictObject({
      at: instant,
      kind: z.enum(["scale-up", "hold"]),
      heldBy: z.string().nullable(),
      to: z.int().nullable(),
      planHash: z.string().nullable(),
    })
    .nullable(),
  lastOutcome: z.strictObject({ kind: z.string(), says: z.string(), at: instant }).nullable(),
  order: z
    .strictObject({
      orderId: z.string(),
      status: z.int().nullable(),
      amount: amount.nullable(),
      planned: amount.nullable(),
      says: z.string(),
      at: instant,
    })
    .nullable(),
  witness: witness.nullable(),
  nextTick: hold.nullable(),
  holds: z.array(hold),
  wouldBuy: z.boolean(),
  ledger: hold.nullable(),
  entries: z.int(),
})

const fleet = z.strictObject({
  purchases: rate.nullable(),
  budget: budget.nullable(),
  pending: z.array(z.looseObject({ stream: z.string(), deadline: instant })),
  gone: z.array(z.string()),
})

const verdict = z.union([
  z.strictObject({
    stream: z.string(),
    ok: z.literal(true),
    entries: z.int(),
    head: digest.nullable(),
    notFolded: z.int(),
  }),
  z.strictObject({ stream: z.string(), ok: z.literal(false), seq: z.number(), problem: z.string() }),
])

const entry = z.looseObject({
  v: z.union([z.literal(1), z.literal(2)]),
  stream: z.string(),
  seq: z.int(),
  at: instant,
  run: z.string(),
  writer: z.string(),
  kind: z.string(),
  mode: z.string(),
  standing: z.record(z.string(), z.unknown()),
  prev: z.string(),
  hash: digest,
})

const simulatedPolicy = z.strictObject({
  policy: z.string(),
  supernode: z.string(),
  from: instant,
  to: instant,
  ticks: z.int(),
  decisions: z.int(),
  purchases: z.array(
    z.strictObject({
      at: instant,
      from: z.int(),
      to: z.int(),
      flavor: z.string(),
      cost: amount.nullable(),
      rules: z.array(z.string()),
      completedAt: instant.nullable(),
    }),
  ),
  spend: amount.nullable(),
  minutesAbove: z.record(z.string(), z.number()),
  minutesUnknown: z.number(),
  holds: z.record(z.string(), z.int()),
})

const failure = z.strictObject({
  at: instant.nullable(),
  step: z.int().nullable(),
  on: z.string().nullable(),
  what: z.string(),
  expected: z.unknown(),
  got: z.unknown(),
  says: z.string().nullable(),
})

const servedLine = z.looseObject({
  at: z.iso.datetime(),
  level: z.enum(["DEBUG", "INFO", "WARN", "ERROR"]),
  message: z.string(),
})

const change = z.strictObject({ path: z.string(), before: z.unknown(), after: z.unknown() })

/** Output of a command that may buy: the same results as the functions return. */
const handled = z.strictObject({ results: z.array(result), error: error.optional() })

/**
 * Schemas by the command's words; each becomes `docs/cli/WORDS.schema.json`. Commands that print lines have
 * the schema of one line.
 */
export const OUTPUT_SCHEMAS = {
  error: z.strictObject({ error }),
  init: z.strictObject({
    policy: z.string(),
    scenario: z.string().nullable(),
    supernodes: z.array(z.string()),
  }),
  validate: z.union([
    z.strictObject({
      valid: z.boolean(),
      supernodes: z.array(
        z.strictObject({
          name: z.string(),
          hash: digest,
          worstCase,
          policy: z.record(z.string(), z.unknown()),
        }),
      ),
      worstCase,
      warnings: z.array(warning),
      silenced: z.array(warning.extend({ reason: z.string() })),
    }),
    z.strictObject({ valid: z.literal(false), error }),
  ]),
  "policy-diff": z.strictObject({
    file: z.array(change),
    supernodes: z.array(
      z.strictObject({
        name: z.string(),
        id: z.string(),
        change: z.enum(["added", "removed", "changed", "same"]),
        changes: z.array(change),
        worstCase: z.strictObject({ before: worstCase.nullable(), after: worstCase.nullable() }),
      }),
    ),
    worstCase: z.strictObject({ before: worstCase, after: worstCase }),
  }),
  doctor: z.strictObject({
    ok: z.boolean(),
    checks: z.array(
      z.strictObject({
        what: z.string(),
        supernode: z.string().nullable(),
        ok: z.boolean(),
        says: z.string(),
        todo: z.array(z.string()),
      }),
    ),
  }),
  "dry-run": z.strictObject({
    results: z.array(result),
    request: z
      .strictObject({
        supernode: z.string(),
        mode: z.literal("live"),
        servers: z.int(),
        requestedBy: z.string(),
        why: z.string(),
        planHash: digest,
        bypassCooldown: z.literal(true).optional(),
      })
      .optional(),
    armingUntil: z.union([instant, z.literal("unseen")]).optional(),
  }),
  apply: handled,
  run: handled,
  status: z.strictObject({
    now: instant,
    ledger: z.strictObject({ place: z.string(), id: z.string().nullable() }),
    supernodes: z.array(supernodeStatus),
    fleet: fleet.nullable(),
  }),
  settle: command,
  reset: command,
  pause: command,
  resume: command,
  hold: command,
  approve: command,
  "ledger-init": z.strictObject({ ledger: madeLedger, made: z.boolean() }),
  "ledger-show": z.strictObject({ ledger: madeLedger, restored: restored.nullable(), streams: z.int() }),
  "ledger-restored": command,
  "ledger-confirm": command,
  "audit-list": z.strictObject({
    entries: z.array(
      z.strictObject({
        stream: z.string(),
        seq: z.int(),
        at: instant,
        run: z.string(),
        kind: z.string(),
        mode: z.string(),
        hash: digest,
        says: z.string(),
        cause: z.string().nullable(),
        requestedBy: z.string().nullable(),
        price: amount.nullable(),
      }),
    ),
  }),
  "audit-show": entry,
  "audit-export": entry,
  "audit-verify": z.strictObject({
    ok: z.boolean(),
    streams: z.array(verdict),
    across: z.array(z.strictObject({ stream: z.string(), seq: z.int(), problem: z.string() })),
    anchor: z
      .strictObject({
        ledger: z.string().nullable(),
        at: instant,
        problems: z.array(z.strictObject({ stream: z.string().nullable(), problem: z.string() })),
      })
      .nullable(),
  }),
  "audit-anchor": z.strictObject({
    v: z.literal(1),
    ledger: z.string().nullable(),
    at: instant,
    heads: z.record(z.string(), z.strictObject({ seq: z.int(), hash: digest })),
  }),
  "audit-report": z.strictObject({
    /** The file that was written. */
    report: z.string(),
    bytes: z.int(),
    ledgerId: z.string().nullable(),
    supernodes: z.array(z.string()),
    /** Events that the page lists. */
    events: z.int(),
  }),
  "notify-test": z.strictObject({
    results: z.array(
      z.strictObject({
        to: z.string(),
        on: z.array(z.string()),
        ok: z.boolean(),
        why: z.string().nullable().optional(),
      }),
    ),
  }),
  simulate: z.strictObject({ policies: z.array(simulatedPolicy) }),
  test: z.strictObject({
    ok: z.boolean(),
    scenarios: z.array(
      z.strictObject({ file: z.string(), title: z.string(), ok: z.boolean(), failures: z.array(failure) }),
    ),
  }),
  completion: z.strictObject({ shell: z.enum(["bash", "zsh", "fish"]), script: z.string() }),
  sandbox: z.strictObject({
    url: z.string(),
    env: z.record(z.string(), z.string()),
    supernodes: z.array(z.strictObject({ name: z.string(), id: z.string(), servers: z.int() })),
  }),
  serve: servedLine,
} as const satisfies Readonly<Record<string, z.ZodType>>

export type OutputName = keyof typeof OUTPUT_SCHEMAS

/** The JSON Schema (draft 2020-12) of a command's document. */
export function outputJsonSchema(name: OutputName): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(OUTPUT_SCHEMAS[name])
  return {
    $schema,
    title: `supernode-autoscaler ${name.replace("-", " ").replace("dry run", "dry-run")} --json`,
    ...schema,
  }
}
