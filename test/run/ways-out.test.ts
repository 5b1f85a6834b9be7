import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import type { RunResult } from "../../lib/run/result.ts"
import {
  alarmOf,
  DAY,
  HOUR,
  MINUTE,
  NOW,
  offersOf,
  type PolicyInput,
  policyOf,
  requestOf,
  ruleInput,
  SECOND,
  serverOf,
  supernodeOf,
  tickOf,
} from "../decision/builders.ts"
import { CONTROL_STREAM, rejected, unknown, unreachable, World } from "./world.ts"

// Every state that holds can be ended, and afterwards a busy supernode buys again. One row per state and way;
// a state without a row fails the last test.

const ladder = [2, 4, 8, 16].map((servers) => ({
  flavor: `rung-${servers}`,
  servers,
  price: { amount: servers * 60_000, currency: "CNY", per: "month" as const },
}))
const policyWith = (over: Partial<PolicyInput> = {}): Policy =>
  policyOf({ ladder, limits: { actions: "9 per 24h", servers: 48 }, ...over })
const WHO = { why: "looked", by: "ops" }

class Story {
  policy = policyWith()
  constructor(readonly world: World) {
    world.offers = { ok: true, value: offersOf(...ladder.map(({ flavor }) => flavor)), skewMs: 0 }
  }

  tick(): Promise<RunResult> {
    return this.world.run(tickOf({ id: this.world.newId(), at: this.world.now }), { policy: this.policy })
  }

  /** Runs a tick that buys, with these outcomes. */
  async buy(...outcomes: World["outcomes"]): Promise<void> {
    this.world.outcomes = outcomes
    await this.tick()
  }

  async settle(as: "accepted" | "completed" | "absent"): Promise<void> {
    const attempt = this.world.orders.at(-1)?.attempt ?? ""
    const { supernode } = this.world
    const servers = supernode.ok ? (supernode.value.servers ?? []).map(({ id }) => id) : null
    await this.world.say({ verb: "settle", attempt, as, servers, ...WHO })
  }

  /** Delivers the servers of an accepted order, and waits until they are complete, warm and cooled down. */
  async complete(count: number): Promise<void> {
    this.world.now += 5 * MINUTE
    this.world.deliver(count)
    await this.tick()
    this.world.now += 2 * HOUR
  }

  async reset(): Promise<void> {
    await this.world.say({ verb: "reset", ...WHO })
  }
}

/** `from` starts the hold. `out` is the person's action or the wait that ends it. */
interface Way {
  reason: string
  way: string
  from(story: Story): Promise<unknown>
  out(story: Story): Promise<unknown>
}

const wait = (ms: number) => async (story: Story) => {
  story.world.now += ms
}
/** Also waits 16 minutes, since a new file buys nothing if another one was in use in the last 15. */
const setPolicy = (over: Partial<PolicyInput>) => async (story: Story) => {
  story.policy = policyWith(over)
  story.world.now += 16 * MINUTE
}
/** Two files alternate every ten minutes; the next run is the fourth turn. */
const TWO_FILES = async (story: Story) => {
  const files = [story.policy, policyWith({ cooldown: "61m" })]
  story.world.load = 10
  for (const turn of [0, 1, 2]) {
    story.policy = files[turn % 2] ?? story.policy
    await story.tick()
    story.world.now += 10 * MINUTE
  }
  story.policy = files[1] ?? story.policy
  story.world.load = 97
}
const NEVER_SETTLED = async (story: Story) => {
  const { world } = story
  world.interference.beforeAppend = async (entry) => (entry.kind === "settled" ? unreachable() : undefined)
  await story.tick().catch(() => undefined)
  world.interference = {}
  world.now += 3 * MINUTE
}
const STUCK = async (story: Story) => {
  await story.buy()
  story.world.deliver(4, { status: "CREATING" })
  story.world.now += 46 * MINUTE
}
const PARTIAL = async (story: Story) => {
  await story.buy()
  story.world.deliver(3)
  story.world.now += 46 * MINUTE
}
const WRONG = async (story: Story) => {
  await story.buy()
  story.world.deliver(8)
}

const LEFT_TO_PEOPLE = [
  ["stuck", STUCK],
  ["partial", PARTIAL],
  ["wrong", WRONG],
] as const

const WAYS: Way[] = [
  // ---- an attempt ----
  {
    reason: "in-flight",
    way: "the new servers run, and the cooldown is over",
    from: (story) => story.buy(),
    out: (story) => story.complete(4),
  },
  {
    reason: "in-flight",
    way: "a person settles the attempt as completed",
    from: (story) => story.buy(),
    out: async (story) => {
      story.world.deliver(4)
      await story.settle("completed")
      story.world.now += 2 * HOUR
    },
  },
  {
    reason: "outcome-unknown",
    way: "a person settles the attempt as absent",
    from: (story) => story.buy(unknown),
    out: (story) => story.settle("absent"),
  },
  {
    reason: "outcome-unknown",
    way: "a person settles the attempt as accepted, and its servers run",
    from: (story) => story.buy(unknown),
    out: async (story) => {
      await story.settle("accepted")
      await story.complete(4)
    },
  },
  {
    reason: "outcome-unknown",
    way: "a person settles an attempt that was opened and never settled",
    from: NEVER_SETTLED,
    out: (story) => story.settle("absent"),
  },
  {
    reason: "outcome-unknown",
    way: "new servers show the outcome, if the policy allows that",
    from: async (story) => {
      story.policy = policyWith({ unknown_outcome: "auto" })
      await story.buy(unknown)
    },
    out: (story) => story.complete(4),
  },
  ...LEFT_TO_PEOPLE.map(([reason, from]) => ({
    reason,
    way: "a person settles the attempt as completed, when the servers are there",
    from,
    out: async (story: Story) => {
      story.world.deliver(reason === "wrong" ? 8 : 4)
      await story.settle("completed")
      story.world.now += 2 * HOUR
    },
  })),
  ...LEFT_TO_PEOPLE.map(([reason, from]) => ({
    reason,
    way: "a person settles the attempt as accepted and keeps waiting",
    from,
    out: async (story: Story) => {
      await story.tick()
      await story.settle("accepted")
      await story.complete(4)
    },
  })),
  ...LEFT_TO_PEOPLE.map(([reason, from]) => ({
    reason,
    way: "a person settles the attempt as absent, when the servers are gone",
    from,
    out: async (story: Story) => {
      await story.tick()
      story.world.supernode = { ok: true, value: supernodeOf(), skewMs: 0 }
      await story.settle("absent")
    },
  })),

  // ---- refusals ----
  {
    reason: "breaker",
    way: "a person resets the supernode",
    from: (story) => story.buy(rejected("balance")),
    out: (story) => story.reset(),
  },
  {
    reason: "backoff",
    way: "the time of the wait is over",
    from: (story) => story.buy(rejected("throttle", 7 * MINUTE)),
    out: wait(7 * MINUTE),
  },
  {
    reason: "backoff",
    way: "a person resets the supernode",
    from: (story) => story.buy(rejected("throttle", HOUR)),
    out: (story) => story.reset(),
  },
  {
    reason: "flavor-blocked",
    way: "the time of the wait is over",
    from: (story) => story.buy(rejected("capacity")),
    out: wait(5 * MINUTE),
  },
  {
    reason: "flavor-blocked",
    way: "a person resets the supernode",
    from: (story) => story.buy(rejected("capacity")),
    out: (story) => story.reset(),
  },
  {
    reason: "latched",
    way: "the policy changes, after an order that was invalid",
    from: (story) => story.buy(rejected("invalid")),
    out: setPolicy({ cooldown: "61m" }),
  },
  {
    reason: "policy-conflict",
    way: "a person resets the supernode",
    from: TWO_FILES,
    out: (story) => story.reset(),
  },
  {
    reason: "policy-conflict",
    way: "only one policy file is in use for 20 minutes",
    from: TWO_FILES,
    out: wait(20 * MINUTE),
  },
  {
    reason: "latched",
    way: "a person resets the supernode, after an order that was invalid",
    from: (story) => story.buy(rejected("invalid")),
    out: (story) => story.reset(),
  },
  {
    reason: "latched",
    way: "the metric clears",
    from: async (story) => {
      story.policy = policyWith({ rules: [ruleInput({ repeat: false })] })
      await story.buy()
      await story.complete(4)
    },
    out: async (story) => {
      story.world.load = 10
      await story.tick()
      story.world.load = 97
    },
  },

  // ---- operator commands ----
  {
    reason: "paused",
    way: "a person resumes the supernode",
    from: ({ world, policy }) => world.say({ verb: "pause", supernode: policy.id, until: null, ...WHO }),
    out: ({ world, policy }) => world.say({ verb: "resume", supernode: policy.id, ...WHO }),
  },
  {
    reason: "paused",
    way: "the end time of the pause or hold passes",
    from: ({ world }) => world.say({ verb: "pause", supernode: null, until: NOW + HOUR, ...WHO }),
    out: wait(HOUR),
  },
  {
    reason: "held",
    way: "the end time of the pause or hold passes",
    from: ({ world, policy }) => world.say({ verb: "hold", supernode: policy.id, until: NOW + HOUR, ...WHO }),
    out: wait(HOUR),
  },
  {
    reason: "approval-needed",
    way: "an approver approves the plan",
    from: async (story) => {
      story.policy = policyWith({ approval: { above: { amount: 1, currency: "CNY" } } })
    },
    out: async (story) => {
      const { plan } = await story.tick()
      await story.world.say({ verb: "approve", planHash: plan?.hash ?? "", by: "boss" })
    },
  },

  // ---- the policy ----
  {
    reason: "cooldown",
    way: "the time of the wait is over",
    from: async (story) => {
      await story.buy()
      story.world.now += 5 * MINUTE
      story.world.deliver(4)
      await story.tick()
    },
    out: wait(HOUR),
  },
  {
    reason: "action-rate",
    way: "the time of the wait is over",
    from: async (story) => {
      story.policy = policyWith({ limits: { actions: "1 per 24h", servers: 48 } })
      await story.buy()
      await story.complete(4)
    },
    out: wait(DAY),
  },
  {
    reason: "efficacy",
    way: "a person resets the supernode",
    from: async (story) => {
      story.policy = policyWith({ efficacy: { purchases: 1, min_gain: 5 } })
      await story.buy()
      await story.complete(4)
    },
    out: (story) => story.reset(),
  },
  {
    reason: "efficacy",
    way: "the metric has data again and shows that the purchase helped",
    from: async (story) => {
      story.policy = policyWith({ efficacy: { purchases: 1, min_gain: 5 } })
      await story.buy()
      await story.complete(4)
      await story.reset()
      await story.buy()
      story.world.load = null
      await story.complete(8)
    },
    out: async ({ world }) => {
      world.load = 90
    },
  },
  {
    reason: "over-budget",
    way: "the time of the wait is over",
    from: async (story) => {
      const budget = { amount: 300_000, currency: "CNY", per: "10d" }
      story.policy = policyWith({ limits: { actions: "9 per 24h", servers: 48, budget } })
      await story.buy()
      await story.complete(4)
    },
    out: wait(10 * DAY),
  },
  {
    reason: "price-unknown",
    way: "the policy gets a price",
    from: setPolicy({
      ladder: ladder.map(({ flavor, servers }) => ({ flavor, servers })),
      approval: { above: { amount: 1_000_000, currency: "CNY" } },
    }),
    out: setPolicy({ approval: { above: { amount: 1_000_000, currency: "CNY" } } }),
  },
  {
    reason: "at-limit",
    way: "the policy allows more servers",
    from: setPolicy({ limits: { actions: "9 per 24h", servers: 2 } }),
    out: setPolicy({}),
  },
  {
    reason: "already-there",
    way: "the policy gets a larger rung",
    from: setPolicy({ ladder: ladder.slice(0, 1) }),
    out: setPolicy({}),
  },
  {
    reason: "rung-unknown",
    way: "the policy gets the current rung",
    from: setPolicy({ ladder: ladder.slice(1) }),
    out: setPolicy({}),
  },

  // ---- responses of the cloud ----
  {
    reason: "supernode-not-ready",
    way: "the supernode is ACTIVE again",
    from: async ({ world }) => {
      world.supernode = { ok: true, value: supernodeOf({ status: "ERROR" }), skewMs: 0 }
    },
    out: async ({ world }) => {
      world.supernode = { ok: true, value: supernodeOf(), skewMs: 0 }
    },
  },
  {
    reason: "supernode-unreadable",
    way: "the supernode can be read again",
    from: async ({ world }) => {
      world.supernode = { ok: false, why: "503", credentials: false }
    },
    out: async ({ world }) => {
      world.supernode = { ok: true, value: supernodeOf(), skewMs: 0 }
    },
  },
  {
    reason: "supernode-unreadable",
    way: "a person resets the supernode, if a server is gone that no run saw DELETED",
    from: async (story) => {
      story.world.load = 10
      await story.tick()
      story.world.load = 97
      const servers = [serverOf("s2"), serverOf("s3")]
      story.world.supernode = { ok: true, value: supernodeOf({ servers }), skewMs: 0 }
    },
    out: (story) => story.reset(),
  },
  {
    reason: "credentials",
    way: "the keys are corrected",
    from: async ({ world }) => {
      world.supernode = { ok: false, why: "401", credentials: true }
    },
    out: async ({ world }) => {
      world.supernode = { ok: true, value: supernodeOf(), skewMs: 0 }
    },
  },
  {
    reason: "not-breaching",
    way: "the load is high",
    from: async ({ world }) => {
      world.load = 10
    },
    out: async ({ world }) => {
      world.load = 97
    },
  },
  {
    reason: "missing-data",
    way: "the metric has data again",
    from: async ({ world }) => {
      world.load = null
    },
    out: async ({ world }) => {
      world.load = 97
    },
  },
  ...(
    [
      ["not-offered", offersOf("rung-8")],
      ["sold-out", [{ flavor: "rung-4", soldOut: true }]],
    ] as const
  ).map(([reason, offers]) => ({
    reason,
    way: "the flavor is offered again",
    from: async ({ world }: Story) => {
      world.offers = { ok: true, value: [...offers], skewMs: 0 }
    },
    out: async ({ world }: Story) => {
      world.offers = { ok: true, value: offersOf("rung-4"), skewMs: 0 }
    },
  })),
  {
    reason: "offers-unreadable",
    way: "the offers can be read again",
    from: async ({ world }) => {
      world.offers = { ok: false, why: "503", credentials: false }
    },
    out: async ({ world }) => {
      world.offers = { ok: true, value: offersOf("rung-4"), skewMs: 0 }
    },
  },

  // ---- clocks and the function ----
  {
    reason: "clock-skewed",
    way: "our clock is corrected",
    from: async ({ world }) => {
      world.supernode = { ok: true, value: supernodeOf(), skewMs: 5 * MINUTE }
    },
    out: async ({ world }) => {
      world.now += 5 * MINUTE
      world.supernode = { ok: true, value: supernodeOf(), skewMs: 0 }
    },
  },
  {
    reason: "clock-behind-ledger",
    way: "a person resets the supernode, if an entry was dated by a clock that ran ahead",
    from: async (story) => {
      story.world.load = 10
      story.world.now += 30 * DAY
      await story.tick()
      story.world.now = NOW
      story.world.load = 97
    },
    out: (story) => story.reset(),
  },
  {
    reason: "no-time",
    way: "the next run has enough time",
    from: async ({ world }) => {
      world.timeLeftMs = 60 * SECOND
    },
    out: async ({ world }) => {
      world.timeLeftMs = Number.POSITIVE_INFINITY
    },
  },
]

/** The second column of the table of gates. */
function documentedReasons(): string[] {
  const [, table = ""] = readFileSync("docs/gates.md", "utf8").split("| gate | holds with |")
  const rows = table.slice(0, table.indexOf("\n\n")).split("\n")
  return rows.flatMap((row) =>
    [...(row.split("|")[2] ?? "").matchAll(/`([a-z-]+)`/g)].map(([, id = ""]) => id),
  )
}

describe("a state that holds", () => {
  it.each(WAYS.map((row) => [row.reason, row.way, row] as const))(
    "a hold for %s can be ended: %s",
    async (reason, _way, row) => {
      const story = new Story(await World.open())
      await row.from(story)
      const before = story.world.orders.length
      expect((await story.tick()).decision.heldBy).toBe(reason)
      expect(story.world.orders).toHaveLength(before)
      await row.out(story)
      expect(await story.tick()).toMatchObject({ mode: "live", outcome: { kind: "accepted" } })
      expect(story.world.orders).toHaveLength(before + 1)
    },
  )

  it("a hold for control-unreadable ends when the control stream can be read again", async () => {
    const story = new Story(await World.open())
    let reads = 0
    story.world.interference.beforeHead = async (stream) => {
      if (stream === CONTROL_STREAM && ++reads > 1) unreachable()
    }
    expect((await story.tick()).outcome).toMatchObject({ kind: "not-sent", reason: "control-unreadable" })
    story.world.interference = {}
    expect((await story.tick()).outcome).toMatchObject({ kind: "accepted" })
  })

  it("a hold for plan-changed ends with a new dry run", async () => {
    const { world } = new Story(await World.open())
    const ask = (over: object) => world.run(requestOf({ at: world.now, ...over }), { policy: policyWith() })
    const stale = `sha256:${"0".repeat(64)}`
    const held = await ask({ id: "r1", mode: "live", planHash: stale })
    expect(held.decision.heldBy).toBe("plan-changed")
    const { plan } = await ask({ id: "r2" })
    expect((await ask({ id: "r3", mode: "live", planHash: plan?.hash })).outcome).toMatchObject({
      kind: "accepted",
    })
  })

  it.each([
    ["not-alarm", alarmOf({ state: "ok" })],
    ["stale", alarmOf({ at: NOW - 16 * MINUTE })],
    ["from-the-future", alarmOf({ at: NOW + 2 * MINUTE })],
  ])("a hold for %s applies to one signal only, and the next tick buys", async (reason, signal) => {
    const story = new Story(await World.open())
    expect((await story.world.run(signal, { policy: story.policy })).decision.heldBy).toBe(reason)
    expect((await story.tick()).outcome).toMatchObject({ kind: "accepted" })
  })

  it("a hold for duplicate or overtaken applies to one delivery only, and the next tick buys", async () => {
    const story = new Story(await World.open())
    story.world.outcomes = [{ kind: "not-sent", reason: "refused", says: "connection refused" }]
    await story.world.run(alarmOf(), { policy: story.policy })
    expect((await story.world.run(alarmOf(), { policy: story.policy })).decision.heldBy).toBe("duplicate")
    story.world.interference.beforeAppend = async ({ kind }) => (kind === "opened" ? "conflict" : undefined)
    expect((await story.tick()).decision.heldBy).toBe("overtaken")
    story.world.interference = {}
    expect((await story.tick()).outcome).toMatchObject({ kind: "accepted" })
  })

  it("every reason in docs/gates.md has a tested way to end its hold, or a known exception", () => {
    const elsewhere = ["control-unreadable", "plan-changed", "not-alarm", "stale", "from-the-future"]
    const alsoHere = [...elsewhere, "signal-invalid", "duplicate", "overtaken"]
    // signal-invalid: no entry point accepts such a signal. standing-full: only time ends it, and no traffic
    // leads to it (test/run/small-state.test.ts).
    const shown = new Set([...WAYS.map(({ reason }) => reason), ...alsoHere, "standing-full"])
    expect(documentedReasons().length).toBeGreaterThan(30)
    expect(documentedReasons().filter((reason) => !shown.has(reason))).toEqual([])
  })
})
