import { describe, expect, it } from "vitest"
import { HINTS, PRECONDITION_HINTS } from "../../../lib/decision/explain/hints.ts"
import type { SupernodeState } from "../../../lib/decision/state/state.ts"
import { digest } from "../../../lib/digest.ts"
import { sealEntry } from "../../../lib/ledger/entry.ts"
import { attemptOf, effectOf, policyOf, ruleInput, stateWith } from "../../decision/builders.ts"
import { WITHOUT_HINT } from "../../decision/explain/without-hint.ts"
import { LEDGER_ID } from "../../ledger/initialised.ts"
import { type CloudFixture, cloudFixture, MINUTE, POLICY, START, STREAM } from "../harness.ts"

// `status --no-cloud` reads no cloud. It must list every hold that the ledger, the policy and the clock show.

/** State that turns a supernode that would buy into one that holds for these reasons. */
interface Case {
  reasons: string[]
  policy?: string
  state?: Partial<SupernodeState>
  commands?: string[][]
  withoutLedger?: true
  /** Time of the newest entry minus now, milliseconds. */
  entryAheadMs?: number
}

const BY = ["--by", "ann", "--why", "test"]
const EFFICACY = POLICY.replace("    limits:", "    efficacy: { purchases: 1, min_gain: 5 }\n    limits:")
const attempt = (over: Parameters<typeof attemptOf>[0]): Partial<SupernodeState> => ({
  attempt: attemptOf({
    openedAt: START - MINUTE,
    sendBefore: START - MINUTE / 2,
    deadline: START + MINUTE,
    before: [],
    ...over,
  }),
})
const bought = (count: number): SupernodeState["purchases"] =>
  Array.from({ length: count }, (_, i) => ({
    attempt: `bought-${i}`,
    at: START - 60 * MINUTE,
    cost: { minor: 100, currency: "CNY" },
    state: "booked",
  }))
/** Digest of the policy's one metric, as an effect stores it. */
const METRIC = digest({
  metric: policyOf({ rules: [ruleInput()] }).rules[0]?.metric,
  highIsBad: true,
})
const hashes = ["a", "b"].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string]

const CASES: Case[] = [
  { reasons: [] },
  { reasons: ["paused"], commands: [["pause", ...BY]] },
  { reasons: ["paused"], commands: [["pause", "train-a", ...BY]] },
  { reasons: ["held"], commands: [["hold", "train-a", "--until", "1h", ...BY]] },
  { reasons: ["in-flight"], state: attempt({ state: "open" }) },
  { reasons: ["outcome-unknown"], state: attempt({ state: "unknown" }) },
  { reasons: ["stuck"], state: attempt({ state: "stuck" }) },
  { reasons: ["partial"], state: attempt({ state: "partial" }) },
  { reasons: ["wrong"], state: attempt({ state: "wrong" }) },
  { reasons: ["breaker"], state: { breaker: { class: "quota", since: START - MINUTE, says: "400 no" } } },
  { reasons: ["backoff"], state: { throttle: { until: START + MINUTE, times: 1 } } },
  { reasons: ["cooldown"], state: { completedAt: START - MINUTE } },
  { reasons: ["cooldown"], state: { foreignAt: START - MINUTE } },
  { reasons: ["action-rate"], state: { purchases: bought(2) } },
  {
    reasons: ["efficacy"],
    policy: EFFICACY,
    state: {
      effects: [effectOf({ metric: METRIC, before: null, completedAt: START - 600 * MINUTE })],
    },
  },
  { reasons: ["clock-behind-ledger"], entryAheadMs: 2 * MINUTE },
  {
    reasons: ["policy-conflict"],
    state: {
      policySeen: { hash: hashes[0], since: START - MINUTE },
      policyChanges: {
        before: { hash: hashes[1], at: START - MINUTE },
        at: [START - MINUTE],
        isConflict: true,
      },
    },
  },
  {
    reasons: ["standing-full"],
    state: { purchases: [], rulesOff: { [`x${"y".repeat(97 * 1024)}`]: "z" } },
  },
  { reasons: ["ledger-new"], withoutLedger: true },
  { reasons: ["ledger-new"], withoutLedger: true, commands: [["ledger", "init", ...BY]] },
  {
    reasons: ["ledger-other"],
    policy: POLICY.replace("version: 1\n", `version: 1\nledger_id: ${LEDGER_ID.replace(/1$/, "2")}\n`),
  },
  { reasons: ["ledger-restored"], commands: [["ledger", "restored", ...BY]] },
  {
    reasons: ["paused", "held", "stuck", "cooldown", "action-rate", "ledger-restored"],
    commands: [
      ["ledger", "restored", ...BY],
      ["pause", ...BY],
      ["hold", "train-a", "--until", "1h", ...BY],
    ],
    state: { ...attempt({ state: "stuck" }), purchases: bought(2), completedAt: START - MINUTE },
  },
]

/** Reasons that only the cloud, the signal or the run itself knows. */
const BEYOND_STATUS = [
  // From the signal. A tick of this moment is new, valid and fresh.
  ...["signal-invalid", "not-alarm", "duplicate", "stale", "from-the-future"],
  // From the cloud's responses, and from what depends on them: the target, its offer, its price and its plan.
  ...["clock-skewed", "credentials", "supernode-unreadable", "supernode-not-ready", "rung-unknown"],
  ...["not-breaching", "missing-data", "latched", "already-there", "at-limit"],
  ...["not-offered", "sold-out", "flavor-blocked", "offers-unreadable"],
  ...["price-unknown", "over-budget", "plan-changed", "approval-needed"],
  // From the run. Status itself fails if it cannot read control or the chain.
  ...["control-unreadable", "overtaken", "no-time", "ledger-behind"],
]

async function deskFor({ policy, state, commands = [], withoutLedger, entryAheadMs = 0 }: Case) {
  const own = await cloudFixture({}, policy, withoutLedger ? { withoutLedger } : {})
  if (state || entryAheadMs !== 0) await remember(own, state ?? {}, START + entryAheadMs)
  for (const argv of commands) expect((await own.run(...argv)).code, argv.join(" ")).toBe(0)
  return own
}

/** Appends a chain of one entry with this state. */
async function remember(own: CloudFixture, state: Partial<SupernodeState>, at: number): Promise<void> {
  const entry = sealEntry({
    stream: STREAM,
    seq: 1,
    prev: "",
    at,
    run: "before",
    writer: "before",
    kind: "said",
    mode: "live",
    said: { verb: "reset", why: "test", by: "ann" },
    standing: stateWith(state),
  })
  expect(await own.ledger((ledger) => ledger.append(entry))).toBe("appended")
}

interface Shown {
  supernodes: { holds: Hold[]; ledger: Hold | null }[]
}
interface Hold {
  heldBy: string
  nearest: string | null
}
interface DryFinding {
  passed: boolean | null
  reason: string | null
  facts: { nearest?: { says: string } }
}
interface Dry {
  results: { decision: { findings: DryFinding[] } }[]
}

describe("status", () => {
  it.each(CASES.map((one) => [one.reasons.join(", ") || "nothing", one] as const))(
    "status lists each hold that the ledger and the clock show, with its hint, as text and JSON: %s (case %#)",
    async (_, one) => {
      const own = await deskFor(one)
      const dry = await own.run("dry-run", "train-a", "--json")
      const findings = (dry.json() as Dry).results.flatMap(({ decision }) => decision.findings)
      const failing = findings.flatMap(({ passed, reason }) => (passed === false && reason ? [reason] : []))
      // Without a ledger a dry run decides as on an empty one. A note on stderr names the reason for which
      // runs hold.
      const noted = /runs hold \(([a-z-]+)\)/.exec(dry.err)?.slice(1) ?? []
      const found = [...failing, ...noted].filter((reason) => !BEYOND_STATUS.includes(reason))
      expect(new Set(found)).toEqual(new Set(one.reasons))

      const state = ((await own.run("status", "--no-cloud", "--json")).json() as Shown).supernodes[0]
      const listed = [...(state?.holds ?? []), ...(state?.ledger ? [state.ledger] : [])]
      expect(new Set(listed.map(({ heldBy }) => heldBy))).toEqual(new Set(one.reasons))

      const hints = new Map(findings.map((finding) => [finding.reason, finding.facts.nearest?.says ?? null]))
      for (const { heldBy, nearest } of listed)
        if (hints.has(heldBy)) expect(nearest, heldBy).toBe(hints.get(heldBy))

      const { out } = await own.run("status", "--no-cloud")
      for (const reason of one.reasons) expect(out).toMatch(new RegExp(`[( ]${reason}[):]`))
      if (one.reasons.length === 0) expect(out).toContain("nothing known would make a run hold")
    },
  )

  it.each([
    ["ModelArts.6716", "blocked"],
    ["ModelArts.6335", "rules off"],
  ])("status shows after a refused order (%s) that a tick may hold", async (code, row) => {
    const own = await cloudFixture()
    own.sandbox.failNext("scale-up", { status: 400, code, message: "no" })
    await own.run("run", "--event", "test/events/functiongraph-smn-cloud-eye-alarm.json")
    expect((await own.run("status", "--no-cloud")).out).toContain(
      `${row} (see above) may cause a hold; the result depends on the servers, the load and the offers`,
    )
  })

  it("status has a test case for each hold reason that status can show", () => {
    const all = [...Object.keys(HINTS), ...Object.keys(WITHOUT_HINT), ...Object.keys(PRECONDITION_HINTS)]
    const explained = new Set([...CASES.flatMap(({ reasons }) => reasons), ...BEYOND_STATUS])
    expect(all.filter((reason) => !explained.has(reason))).toEqual([])
    expect([...explained].filter((reason) => !all.includes(reason))).toEqual([])
  })
})
