import type { Change } from "./bundle.ts"

/** A deliberate break, the rules that may detect it, and the seeds that must be enough. */
export interface Break {
  name: string
  says: string
  /** True if its hunt takes many seconds, so that only `npm run test:full` runs it. */
  isLong?: boolean
  /**
   * Rules of `watch.ts`, `may-buy.ts`, `forgotten.ts`, `sent-notifications.ts` and `progress.ts`. Violations
   * of other rules do not count.
   */
  rules: readonly string[]
  /** The first seed, for a break that needs a rare moment that earlier worlds lack. Defaults to 1. */
  from?: number
  /** The last seed. */
  upTo: number
  /** True for worlds with caps across supernodes only. Defaults to worlds without such caps only. */
  hasFleet?: boolean
  /** Changes in lib/. `null` if `port-breaks.ts` breaks a port instead. */
  changes: readonly Change[] | null
}

const FOLD = "lib/decision/transitions/fold.ts"
const SEND = "lib/run/send.ts"
const PURCHASE = "lib/run/purchase.ts"
const CHAIN = "lib/ledger/chain.ts"
const STANDING_GATES = "lib/decision/gates/in-flight.ts"
const MONEY_GATES = "lib/decision/gates/money.ts"
const LEDGER_GATES = "lib/decision/gates/ledger.ts"
const RESERVE = "lib/run/reserve.ts"
const REMEMBER = "lib/decision/transitions/remember.ts"
const RECONCILE = "lib/decision/transitions/reconcile.ts"
const CLOCK = "lib/decision/inputs/clock.ts"
const TELL = "lib/run/notify.ts"
const FLEET = "lib/decision/money/fleet-spend.ts"
const UNKNOWN = 'return { ...state, attempt: { ...attempt, state: "unknown", says } }'
const APPENDED = '(await ports.ledger.append(entry)) === "appended"'
const RESERVED = '\n      return { kind: "reserved"'

export const BREAKS: readonly Break[] = [
  // ---- from outside: a port that breaks its contract ----
  {
    name: "store-ignores-its-condition",
    says: "two runs that append at once both succeed",
    rules: ["chain-is-dense", "one-attempt"],
    upTo: 60,
    changes: null,
  },
  {
    name: "client-forgets-send-before",
    isLong: true,
    says: "a worker that was frozen sends its request when it wakes up",
    rules: ["nothing-after-send-before", "nothing-after-settlement", "one-attempt"],
    from: 80,
    upTo: 150,
    changes: null,
  },
  {
    name: "buy-tries-again-after-unknown",
    says: "the client repeats the request when no response came",
    rules: ["one-post"],
    upTo: 60,
    changes: null,
  },
  {
    name: "unknown-is-called-not-sent",
    says: "a lost response counts as a request that was never sent",
    rules: ["outcome-is-true", "money-is-counted"],
    upTo: 60,
    changes: null,
  },
  {
    name: "rejected-is-called-accepted",
    isLong: true,
    says: "a refusal counts as a purchase",
    rules: ["outcome-is-true"],
    upTo: 60,
    changes: null,
  },
  {
    name: "control-is-read-once-per-run",
    says: "the second read of the pause returns the head of the first read",
    rules: ["nothing-while-paused"],
    from: 20,
    upTo: 150,
    changes: null,
  },
  {
    name: "metrics-are-two-hours-old",
    says: "the meters return values that are two hours old",
    rules: ["evidence"],
    upTo: 60,
    changes: null,
  },

  // ---- the order of effects ----
  {
    name: "no-second-look-at-the-pause",
    says: "a pause during a run's reads does not stop the run",
    rules: ["nothing-while-paused"],
    from: 20,
    upTo: 150,
    changes: [{ file: SEND, from: "{ control, now:", to: "{ control: situation.control, now:" }],
  },
  {
    name: "no-last-moment-to-send",
    says: "the order has no time after which it must not be sent",
    rules: ["nothing-after-send-before", "nothing-after-settlement", "one-attempt"],
    from: 80,
    upTo: 150,
    changes: [
      { file: SEND, from: "sendBefore: attempt.sendBefore,", to: "sendBefore: Infinity," },
      {
        file: SEND,
        from: "sendBeforeMonotonic,\n      timeoutMs",
        to: "sendBeforeMonotonic: Infinity,\n      timeoutMs",
      },
    ],
  },
  {
    name: "unknown-is-not-settled",
    says: "an unknown outcome is not recorded",
    rules: ["a-run-settles-what-it-opens"],
    upTo: 60,
    changes: [
      {
        file: PURCHASE,
        from: "await settle(ports, task, { opened, attempt, outcome })",
        to: 'outcome.kind === "unknown" ? opened : await settle(ports, task, { opened, attempt, outcome })',
      },
    ],
  },

  // ---- the ledger ----
  {
    name: "lost-answer-is-a-conflict",
    isLong: true,
    says: "our own entry whose response was lost counts as another run's",
    rules: ["a-run-settles-what-it-opens", "one-decision-per-signal"],
    upTo: 60,
    changes: [{ file: CHAIN, from: "if (stored?.hash === entry.hash) return this.#appended(entry)", to: "" }],
  },
  {
    name: "conflict-is-a-success",
    isLong: true,
    says: "an entry that lost its place counts as written",
    rules: ["open-before-buy", "chain-is-dense", "one-attempt", "a-run-settles-what-it-opens"],
    upTo: 60,
    changes: [
      {
        file: CHAIN,
        from: 'if (stored !== undefined || answer.kind === "conflict") return "conflict"',
        to: 'if (stored !== undefined || answer.kind === "conflict") return this.#appended(entry)',
      },
    ],
  },

  // ---- memory of the chain ----
  {
    name: "unknown-is-forgotten",
    says: "an unknown outcome closes the attempt",
    rules: ["one-attempt", "money-is-counted"],
    upTo: 60,
    changes: [{ file: FOLD, from: UNKNOWN, to: "return release(state, attempt)" }],
  },
  {
    name: "unknown-gives-its-money-back",
    says: "the budget is released while the outcome is unknown",
    rules: ["money-is-counted"],
    upTo: 60,
    changes: [
      {
        file: FOLD,
        from: UNKNOWN,
        to: 'return { ...release(state, attempt), attempt: { ...attempt, state: "unknown", says } }',
      },
    ],
  },
  {
    name: "accepted-is-over-at-once",
    says: "an accepted purchase is not in flight",
    rules: ["one-attempt"],
    upTo: 60,
    changes: [
      {
        file: FOLD,
        from: "attempt: accepted, blocked, throttle: null }",
        to: "attempt: null, blocked, throttle: null }",
      },
    ],
  },
  {
    name: "absent-settles-nothing",
    isLong: true,
    says: "a settlement as absent does not release the purchase",
    rules: ["liveness", "one-attempt"],
    upTo: 60,
    changes: [{ file: FOLD, from: "        ...release(state, attempt),\n", to: "        ...state,\n" }],
  },
  {
    name: "breaker-is-forgotten",
    isLong: true,
    says: "a refusal that needs a person does not stop later purchases",
    rules: ["breaker"],
    from: 20,
    upTo: 60,
    changes: [
      {
        file: "lib/decision/transitions/rejection.ts",
        from: "return { ...state, breaker: { class: rejected.class, since: at, says: sayRejection(rejected) } }",
        to: "return state",
      },
    ],
  },
  {
    name: "reset-closes-no-breaker",
    isLong: true,
    says: "buying stays stopped after a person's reset",
    rules: ["liveness"],
    from: 20,
    upTo: 150,
    changes: [{ file: "lib/decision/transitions/rejection.ts", from: "  breaker: null,\n", to: "" }],
  },
  {
    name: "signals-are-forgotten",
    says: "a second delivery of one event leads to a new decision",
    rules: ["one-decision-per-signal"],
    upTo: 60,
    changes: [
      {
        file: "lib/decision/gates/signal.ts",
        from: "if (!first || first.run === run) return",
        to: "if (first !== null) return",
      },
      {
        file: "lib/run/duplicate.ts",
        from: 'if (!first || first.run === task.run || task.mode === "dry-run") return null',
        to: "if (first !== null) return null",
      },
    ],
  },

  {
    name: "held-signals-are-remembered",
    says: "a signal that only held stays in the state",
    rules: ["state-is-small"],
    upTo: 5,
    changes: [
      {
        file: "lib/decision/transitions/remember-signal.ts",
        from: 'if (kind === "decided") return rememberEpisode(state, signal, at)\n',
        to: "",
      },
      {
        file: "lib/decision/transitions/remember-signal.ts",
        from: 'if (kind !== "opened" || getOwn(',
        to: "if (getOwn(",
      },
    ],
  },

  {
    name: "two-policy-files-take-turns",
    isLong: true,
    says: "alternating policy files do not stop purchases",
    rules: ["one-policy-file"],
    from: 960,
    upTo: 999,
    changes: [
      {
        file: "lib/decision/pacing/policy-conflict.ts",
        from: "if (changes.isConflict && now - changedAt < CALM_MS) {",
        to: "if (changes.isConflict && now < 0) {",
      },
    ],
  },

  // ---- the gates ----
  {
    name: "unknown-stops-nothing",
    isLong: true,
    says: "the gate lets an attempt with an unknown outcome pass",
    rules: ["one-attempt"],
    from: 130,
    upTo: 200,
    changes: [
      {
        file: STANDING_GATES,
        from: "if (attempt) return fail(",
        to: 'if (attempt && attempt.state !== "unknown") return fail(',
      },
    ],
  },
  {
    name: "cooldown-from-the-request-only",
    isLong: true,
    says: "the cooldown from completion is ignored",
    rules: ["cooldown"],
    upTo: 60,
    changes: [
      {
        file: "lib/decision/pacing/cooldown.ts",
        from: "...(state.completedAt === null ? [] : [state.completedAt + policy.cooldownMs]),",
        to: "",
      },
    ],
  },
  {
    name: "one-action-too-many",
    says: "a limit of N per D allows N + 1",
    rules: ["actions"],
    upTo: 60,
    changes: [
      { file: MONEY_GATES, from: "if (used < count) return pass", to: "if (used <= count) return pass" },
    ],
  },
  {
    name: "budget-without-this-order",
    isLong: true,
    says: "the budget ignores the cost of the present order",
    rules: ["spend"],
    upTo: 60,
    changes: [{ file: MONEY_GATES, from: "spent + cost.minor <= budget.minor", to: "spent <= budget.minor" }],
  },
  // ---- caps across supernodes ----
  {
    name: "others-are-not-counted",
    says: "caps ignore the purchases of other supernodes",
    rules: ["fleet-opened", "fleet-actions", "fleet-spend"],
    upTo: 300,
    hasFleet: true,
    changes: [{ file: FLEET, from: "[...state.purchases, ...fleet.value.purchases]", to: "state.purchases" }],
  },
  {
    name: "a-lost-place-is-a-place",
    isLong: true,
    says: "an attempt is opened although stream fleet reported a conflict",
    rules: ["fleet-actions", "fleet-spend", "reserve-before-open"],
    from: 20,
    upTo: 300,
    hasFleet: true,
    changes: [
      {
        file: RESERVE,
        from: `if (${APPENDED})${RESERVED}`,
        to: `if ((await ports.ledger.append(entry)) !== undefined)${RESERVED}`,
      },
    ],
  },
  {
    name: "nobody-waits-for-the-place",
    says: "an attempt is opened before its reservation is stored",
    rules: ["fleet-actions", "fleet-spend", "reserve-before-open"],
    upTo: 300,
    hasFleet: true,
    changes: [
      {
        file: RESERVE,
        from: `if (${APPENDED})${RESERVED}`,
        to: `if (!void ports.ledger.append(entry).catch(() => undefined))${RESERVED}`,
      },
    ],
  },
  {
    name: "places-are-not-counted",
    isLong: true,
    says: "caps ignore other supernodes' reservations without an opened attempt",
    rules: ["fleet-opened", "fleet-actions", "fleet-spend"],
    from: 440,
    upTo: 700,
    hasFleet: true,
    changes: [{ file: FLEET, from: "[...chained, ...pending]", to: "[...chained]" }],
  },
  {
    name: "approval-is-not-asked",
    isLong: true,
    says: "an expensive order needs no approval",
    rules: ["approval"],
    upTo: 150,
    changes: [
      {
        file: "lib/decision/gates/plan.ts",
        from: "if (names.length >= approvers)",
        to: "if (approvers > 0)",
      },
    ],
  },
  {
    name: "efficacy-is-not-asked",
    isLong: true,
    says: "purchases continue although the last ones did not help",
    rules: ["efficacy"],
    upTo: 60,
    changes: [
      {
        file: "lib/decision/gates/efficacy.ts",
        from: 'return fail("efficacy", ',
        to: "return pass(",
      },
    ],
  },
  {
    name: "another-plan-than-shown",
    isLong: true,
    says: "a person gets another order than the one that was shown",
    rules: ["plan-as-shown"],
    from: 112,
    upTo: 150,
    changes: [
      {
        file: "lib/decision/gates/plan.ts",
        from: "if (signal.planHash === plan.hash) return pass",
        to: "if (signal.planHash !== null) return pass",
      },
    ],
  },
  {
    name: "no-servers-limit",
    isLong: true,
    says: "the servers limit is ignored",
    rules: ["servers-limit"],
    upTo: 60,
    changes: [
      {
        file: "lib/decision/ladder/choose-rung.ts",
        from: "if (demanded.servers <= limit) return demanded",
        to: "if (limit > 0) return demanded",
      },
    ],
  },
  {
    name: "latch-never-clears",
    isLong: true,
    says: "a rule with repeat: false never buys again",
    rules: ["liveness"],
    upTo: 60,
    changes: [
      {
        file: "lib/decision/evidence/evidence.ts",
        from: "at >= latchedAt && isOnClearSide(rule, value)).length >= m",
        to: "at >= latchedAt && isOnClearSide(rule, value)).length > rule.points.n",
      },
    ],
  },

  // ---- time ----
  {
    name: "memory-expires-by-our-clock",
    isLong: true,
    says: "a run whose unconfirmed clock is years ahead forgets the purchases",
    rules: ["money-is-counted"],
    upTo: 60,
    changes: [
      {
        file: REMEMBER,
        from: "const now = confirmedAt === null ? null : Math.min(confirmedAt, at)",
        to: "const now = confirmedAt ?? at",
      },
      {
        file: REMEMBER,
        from: 'return kind === "opened" ? pruneMoney',
        to: 'return kind !== "said" ? pruneMoney',
      },
    ],
  },
  {
    name: "memory-expires-by-one-date",
    isLong: true,
    says: "one response dated years ahead makes a run forget the purchases",
    rules: ["money-is-counted"],
    from: 50,
    upTo: 60,
    changes: [
      {
        file: CLOCK,
        from: "clocksAgree(clocks) ? (clocks.cloudDate ?? null) : null",
        to: "clocks.cloudDate ?? null",
      },
      {
        file: REMEMBER,
        from: "const now = confirmedAt === null ? null : Math.min(confirmedAt, at)",
        to: "const now = confirmedAt",
      },
      {
        file: REMEMBER,
        from: 'return kind === "opened" ? pruneMoney',
        to: 'return kind !== "said" ? pruneMoney',
      },
    ],
  },
  {
    name: "deadlines-by-the-later-clock",
    isLong: true,
    says: "a clock that jumped ahead ends the 45 minutes early",
    rules: ["stuck-after-45-minutes"],
    upTo: 60,
    changes: [
      {
        file: RECONCILE,
        from: "[earliestNow(situation), latestNow(situation)]",
        to: "[latestNow(situation), latestNow(situation)]",
      },
    ],
  },

  // ---- meters that several supernodes read together ----
  {
    name: "one-answer-for-all",
    isLong: true,
    says: "supernodes that read the meters together all get the values of the first",
    rules: ["evidence", "liveness"],
    from: 750,
    upTo: 800,
    changes: [
      {
        file: "lib/metrics/batching/requests.ts",
        from: "all[i] ??",
        to: "all[0] ??",
      },
    ],
  },

  // ---- the ledger's life ----
  {
    name: "new-ledger-is-trusted",
    says: "a new ledger counts as one that knows every order",
    rules: ["new-ledger"],
    upTo: 150,
    changes: [
      {
        file: "lib/decision/state/ledger-identity.ts",
        from: 'if (origin !== "empty") return false',
        to: "if (origin !== undefined) return false",
      },
    ],
  },

  {
    name: "foreign-servers-are-not-observed",
    isLong: true,
    says: "servers of other orders are never observed",
    rules: ["servers-are-found"],
    from: 110,
    upTo: 140,
    changes: [
      {
        file: RECONCILE,
        from: "if (newcomers.length === 0 && departed.length === 0) return null",
        to: "if (departed.length === 0) return null",
      },
    ],
  },
  {
    name: "ledger-behind-is-not-checked",
    says: "a worker that knows newer entries accepts a rolled-back ledger",
    rules: ["ledger-behind", "second-order"],
    from: 400,
    upTo: 440,
    changes: [
      {
        file: CHAIN,
        from: "if (!isRestored && (await this.#isBehind(stream, floor, head))) {",
        to: "if (!isRestored && floor.seq < 0) {",
      },
      // Without this change, such a worker finds each place taken until others have filled the chain again.
      {
        file: CHAIN,
        from: "if (this.#isTaken(entry))",
        to: "if (this.#isTaken(entry) && entry.seq < 0)",
      },
    ],
  },
  {
    name: "restored-is-not-held",
    says: "a restored ledger is used before a person compared it with the cloud",
    rules: ["ledger-restored", "second-order"],
    from: 40,
    upTo: 60,
    changes: [
      {
        file: LEDGER_GATES,
        from: "if (!restored || restored.confirmed.includes(supernodeId)) return null",
        to: "if (restored !== null) return null",
      },
    ],
  },
  {
    name: "new-ledger-counts-by-our-clock",
    says: "the 45 minutes of a new ledger start by the clock of `ledger init`",
    rules: ["new-ledger", "second-order"],
    from: 95,
    upTo: 120,
    changes: [
      {
        file: "lib/run/ledger-trust.ts",
        from: "firstConfirmedAt: situation.ledgerConfirmedAt ?? null",
        to: "firstConfirmedAt: situation.control.value.ledger.at",
      },
    ],
  },
  {
    name: "ledger-other-is-not-checked",
    says: "a worker buys on another ledger than the policy names",
    rules: ["other-ledger"],
    from: 30,
    upTo: 80,
    changes: [
      {
        file: LEDGER_GATES,
        from: "if (onlyId === null || onlyId === id) return null",
        to: "if (id !== null) return null",
      },
    ],
  },
  {
    name: "no-date-is-no-doubt",
    says: "a run buys although no response of the cloud had a time",
    rules: ["time-is-confirmed"],
    from: 30,
    upTo: 60,
    changes: [
      {
        file: "lib/decision/gates/signal.ts",
        from: 'if (cloudSkewMs === null && supernode.state === "read") {',
        to: 'if (cloudSkewMs === null && supernode.state === "not-read") {',
      },
    ],
  },

  // ---- notifications ----
  {
    name: "tells-on-no-record",
    isLong: true,
    says: "a run whose record of a notification was not stored notifies anyway",
    rules: ["told-once-on-record"],
    from: 150,
    upTo: 190,
    changes: [
      {
        file: TELL,
        from: 'if ((await ports.ledger.append(claim)) === "appended") {',
        to: "if ((await ports.ledger.append(claim)) !== undefined) {",
      },
    ],
  },
  {
    name: "tells-again-at-once",
    says: "operators are notified with every tick while something waits",
    rules: ["told-hourly"],
    upTo: 60,
    changes: [
      {
        file: "lib/decision/explain/pending-action.ts",
        from: "NOTIFY_AGAIN_MS = 3_600_000",
        to: "NOTIFY_AGAIN_MS = 60_000",
      },
    ],
  },
  {
    name: "tells-by-another-entry",
    says: "a notification cites an entry that does not state it",
    rules: ["told-as-stated"],
    upTo: 60,
    changes: [
      {
        file: TELL,
        from: "const { seq, hash } = source ?? claim",
        to: "const { seq, hash } = { seq: 1, hash: (source ?? claim).hash }",
      },
    ],
  },
  {
    name: "tells-nobody-of-the-unknown",
    isLong: true,
    says: "no notification is sent about an unknown outcome",
    rules: ["nobody-waits-in-silence", "liveness"],
    from: 120,
    upTo: 185,
    changes: [
      {
        file: "lib/decision/explain/pending-action.ts",
        from: 'if (state === "open" || state === "accepted") return null',
        to: 'if (state === "open" || state === "accepted" || state === "unknown") return null',
      },
    ],
  },
]
