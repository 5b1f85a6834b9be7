import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { makeHandler } from "../../functions/door.ts"
import { RunsFailed } from "../../lib/app/app.ts"
import type { Outcome } from "../../lib/decision/state/outcome.ts"
import { contextOf, FakeApp, handled, listen, resultFor } from "./fakes.ts"

const EVENT = { Records: [], headers: { authorization: "Bearer THE-WEBHOOK-TOKEN" } }
const ENTRY = { stream: "supernode:b4beacb6", seq: 42, hash: "sha256:ab" }
const BOUGHT = resultFor("train-a", {
  decision: {
    kind: "scale-up",
    heldBy: null,
    findings: [{ gate: "evidence", passed: true, reason: null, says: "a long story", facts: { value: 97 } }],
  },
  outcome: { kind: "accepted", status: 200, orderId: "CS1", requestId: "r", servers: ["s"] },
  entry: ENTRY,
})

/** An error that lists problems, as ours do. */
class ListedError extends Error {
  constructor(
    message: string,
    readonly problems: string[],
  ) {
    super(message)
    this.name = "PolicyError"
  }
}

let app: FakeApp
let heard: ReturnType<typeof listen>

beforeEach(() => {
  for (const name of Object.keys(process.env).filter((key) => key.startsWith("SUPERNODE_")))
    vi.stubEnv(name, undefined)
  app = new FakeApp()
  heard = listen()
})

afterEach(() => {
  vi.unstubAllEnvs()
})

describe("what a door answers", () => {
  it("a function hands the event unchanged and the function's own name to the app, and returns the results", async () => {
    app.answer = async () => handled({ results: [BOUGHT] })
    const answer = await makeHandler("schedule", app.start)(EVENT, contextOf())
    expect(answer).toEqual({ results: [BOUGHT] })
    expect(app.calls).toMatchObject([{ event: EVENT, door: "schedule" }])
  })

  it("a function passes the request id and the remaining time to the app, and no keys on AWS Lambda", async () => {
    let left = 5_000
    await makeHandler("alarm", app.start)(
      EVENT,
      contextOf({ awsRequestId: "r-1", getRemainingTimeInMillis: () => left }),
    )
    const invocation = app.calls[0]?.invocation
    expect(invocation).toMatchObject({ requestId: "r-1", credentials: null })
    expect(invocation?.remainingMs()).toBe(5_000)
    left = 10
    expect(invocation?.remainingMs()).toBe(10)
  })

  it("a function returns for an HTTP event the form that a Function URL and both clouds' gateways take", async () => {
    app.answer = async () =>
      handled({ results: [BOUGHT], http: { status: 200, body: { results: [BOUGHT] } } })
    expect(await makeHandler("alarm", app.start)(EVENT, contextOf())).toEqual({
      statusCode: 200,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ results: [BOUGHT] }),
      isBase64Encoded: false,
    })
  })

  it("a function fails an event that is unreadable in part, after the readable parts ran and were logged", async () => {
    app.answer = async () =>
      handled({ results: [BOUGHT], problems: ["Records[1]: no alarm", "Records[2]: no JSON"] })
    await expect(makeHandler("alarm", app.start)(EVENT, contextOf())).rejects.toMatchObject({
      name: "SignalError",
      problems: ["Records[1]: no alarm", "Records[2]: no JSON"],
    })
    expect(heard.lines()[0]).toMatchObject({ level: "INFO", supernode: "train-a" })
  })

  it("a function does not fail an HTTP event that is unreadable in part: the event's sender sees the response", async () => {
    app.answer = async () =>
      handled({ problems: ["alerts[1]: no labels"], http: { status: 200, body: { results: [] } } })
    expect(await makeHandler("alarm", app.start)(EVENT, contextOf())).toMatchObject({ statusCode: 200 })
  })

  it("a function lets an error through, so that the platform sees the failure: 5xx, retry, dead letter", async () => {
    const failure = new Error("the ledger cannot be read")
    app.answer = async () => Promise.reject(failure)
    await expect(makeHandler("alarm", app.start)(EVENT, contextOf())).rejects.toBe(failure)
  })

  it("a function never returns before the run has ended, however little time is left", async () => {
    const getRemainingTimeInMillis = vi.fn(() => 1)
    await makeHandler("alarm", app.start)(EVENT, contextOf({ getRemainingTimeInMillis }))
    expect(getRemainingTimeInMillis).not.toHaveBeenCalled()
  })

  it("the handler of a function has two parameters and no properties", () => {
    const handler = makeHandler("alarm", app.start)
    expect(handler).toHaveLength(2)
    expect(Object.keys(handler)).toEqual([])
  })
})

describe("starting", () => {
  it("a function starts the app once for all events of a container, also for simultaneous events", async () => {
    const handler = makeHandler("alarm", app.start)
    await Promise.all([handler(EVENT, contextOf()), handler(EVENT, contextOf())])
    await handler(EVENT, contextOf())
    expect(app.starts).toBe(1)
    expect(app.calls).toHaveLength(3)
  })

  it("a function does not start the app before the first event", () => {
    makeHandler("alarm", app.start)
    expect(app.starts).toBe(0)
  })

  it("a function starts the app again after a failure, and each event of a failed start fails", async () => {
    app.refusals.push(new Error("no policy"), new Error("still none"))
    const handler = makeHandler("alarm", app.start)
    await expect(handler(EVENT, contextOf())).rejects.toThrow("no policy")
    await expect(handler(EVENT, contextOf())).rejects.toThrow("still none")
    await expect(handler(EVENT, contextOf())).resolves.toEqual({ results: [] })
  })

  it("a function fails on invalid settings before it starts the app", async () => {
    vi.stubEnv("SUPERNODE_MODE", "lively")
    const handler = makeHandler("alarm", app.start)
    await expect(handler(EVENT, contextOf())).rejects.toMatchObject({ name: "SettingsError" })
    expect(app.starts).toBe(0)
    vi.stubEnv("SUPERNODE_MODE", "observe")
    await expect(handler(EVENT, contextOf())).resolves.toEqual({ results: [] })
  })
})

describe("the log", () => {
  it("a function logs one line per run, with the decision, its outcome and its ledger entry", async () => {
    app.answer = async () => handled({ results: [BOUGHT, resultFor("train-b")] })
    await makeHandler("alarm", app.start)(EVENT, contextOf({ awsRequestId: "r-7" }))
    expect(heard.lines()).toHaveLength(2)
    expect(heard.lines()[0]).toMatchObject({
      level: "INFO",
      service: "supernode-autoscaler",
      message: "train-a: scale-up, accepted",
      supernode: "train-a",
      mode: "live",
      kind: "scale-up",
      outcome: "accepted",
      orderId: "CS1",
      entry: ENTRY,
      correlation_id: "r-7",
    })
    expect(heard.lines()[1]).toMatchObject({
      message: "train-b: hold (cooldown)",
      kind: "hold",
      heldBy: "cooldown",
    })
  })

  it("a function logs for a hold the reason and the hint of the first failed gate", async () => {
    const cooling = { kind: "wait", until: 1 }
    const failed = (gate: string, nearest: object) => {
      return { gate, passed: false, reason: gate, says: `${gate} is in the way`, facts: { nearest } }
    }
    const findings = [
      { gate: "a", passed: true, reason: null, says: "fine", facts: {} },
      failed("b", { says: "cooldown ends soon", change: cooling }),
      failed("c", { says: "another way", change: cooling }),
    ]
    const held = resultFor("train-a", { decision: { kind: "hold", heldBy: "b", findings } })
    app.answer = async () => handled({ results: [held] })
    await makeHandler("alarm", app.start)(EVENT, contextOf())
    expect(heard.lines()).toMatchObject([{ says: "b is in the way", wouldPassIf: "cooldown ends soon" }])
  })

  it("a function logs one warning for each warning and each problem", async () => {
    const warnings = ["alarm x is in no policy"]
    app.answer = async () =>
      handled({ warnings, problems: ["alerts[1]: no labels"], http: { status: 200, body: {} } })
    await makeHandler("alarm", app.start)(EVENT, contextOf())
    expect(heard.lines().map(({ level, message }) => [level, message])).toEqual([
      ["WARN", "alarm x is in no policy"],
      ["WARN", "alerts[1]: no labels"],
    ])
  })

  it("a function logs one warning for a refused request", async () => {
    app.answer = async () => handled({ http: { status: 401, body: { error: "the token is wrong" } } })
    await makeHandler("alarm", app.start)(EVENT, contextOf())
    expect(heard.lines()).toMatchObject([{ level: "WARN", message: "answered 401" }])
  })

  it("a function logs each error once, with all its problems and its cause", async () => {
    const error = new ListedError("2 problems", ["policy.yaml:3:1: a", "policy.yaml:9:1: b"])
    error.cause = new Error("the disk is gone")
    app.answer = async () => Promise.reject(error)
    await expect(makeHandler("alarm", app.start)(EVENT, contextOf({ awsRequestId: "r-8" }))).rejects.toBe(
      error,
    )
    expect(heard.lines()).toMatchObject([
      {
        level: "ERROR",
        message: "2 problems",
        errorName: "PolicyError",
        problems: error.problems,
        cause: "the disk is gone",
        correlation_id: "r-8",
      },
    ])
  })

  it("a function logs the runs that succeeded beside those that failed", async () => {
    const failed = [
      new ListedError("ledger a", ["a is locked"]),
      new ListedError("ledger b", ["b is locked"]),
    ]
    app.answer = async () => Promise.reject(new RunsFailed(failed, [BOUGHT]))
    await expect(makeHandler("alarm", app.start)(EVENT, contextOf())).rejects.toThrow("ledger a")
    expect(heard.lines()).toMatchObject([
      { level: "INFO", supernode: "train-a", orderId: "CS1" },
      { level: "ERROR", errorName: "RunsFailed", problems: ["a is locked", "b is locked"] },
    ])
  })

  it("a function logs a thrown value that is not an error, without its text", async () => {
    app.answer = async () => Promise.reject("just a text with a secret")
    await expect(makeHandler("alarm", app.start)(EVENT, contextOf())).rejects.toBe(
      "just a text with a secret",
    )
    expect(heard.lines()).toHaveLength(1)
    expect(heard.text()).not.toContain("secret")
  })

  it("a function logs each run of a tick as soon as the run has ended, and returns the first 100 results", async () => {
    app.answer = async () => {
      const { invocation } = app.calls[0] as (typeof app.calls)[number]
      for (let nth = 1; nth <= 110; nth++) {
        invocation.takeResult?.(resultFor(`train-${nth}`))
        expect(heard.lines()).toHaveLength(nth)
      }
      return handled({})
    }
    const answer = await makeHandler("schedule", app.start)(EVENT, contextOf())
    expect(answer).toMatchObject({ omitted: 10 })
    expect("results" in answer && answer.results.map(({ supernode }) => supernode)).toEqual(
      Array.from({ length: 100 }, (_, nth) => `train-${nth + 1}`),
    )
  })

  it("a function keeps its log level for all events of a container", async () => {
    vi.stubEnv("SUPERNODE_LOG_LEVEL", "warn")
    app.answer = async () => handled({ results: [BOUGHT], warnings: ["beware"] })
    const handler = makeHandler("alarm", app.start)
    for (const _event of [1, 2, 3]) await handler(EVENT, contextOf())
    expect(heard.lines().map(({ message }) => message)).toEqual(["beware", "beware", "beware"])
  })

  it("a function writes no field of one event into the log of the next event", async () => {
    const handler = makeHandler("alarm", app.start)
    app.answer = async () => handled({ results: [BOUGHT] })
    await handler(EVENT, contextOf({ awsRequestId: "r-1" }))
    app.answer = async () => handled({ warnings: ["beware"] })
    await handler(EVENT, contextOf({ awsRequestId: "r-2" }))
    expect(heard.lines()[1]).not.toHaveProperty("supernode")
    expect(heard.lines()[1]).toMatchObject({ correlation_id: "r-2" })
  })
})

describe("secrets", () => {
  const SECRETS = [
    "THE-WEBHOOK-TOKEN",
    "THE-SECRET-KEY",
    "THE-USERDATA",
    "THE-RAW-ANSWER",
    "THE-AUTHORIZATION",
  ]

  it("a function logs no secret, even if the environment tells Powertools to log events", async () => {
    vi.stubEnv("POWERTOOLS_LOGGER_LOG_EVENT", "true")
    vi.stubEnv("HUAWEICLOUD_SDK_AK", "AK")
    vi.stubEnv("HUAWEICLOUD_SDK_SK", "THE-SECRET-KEY")
    const raw = { body: "THE-RAW-ANSWER", bytes: 14, truncated: false }
    const outcome: Outcome = {
      kind: "accepted",
      status: 200,
      orderId: null,
      requestId: null,
      servers: [],
      raw,
    } as const
    const decision = { ...BOUGHT.decision, findings: [], userdata: "THE-USERDATA" }
    app.answer = async () => handled({ results: [{ ...BOUGHT, outcome, decision }] })
    await makeHandler("alarm", app.start)(EVENT, contextOf())
    expect(heard.lines()).toHaveLength(1)
    for (const secret of SECRETS) expect(heard.text()).not.toContain(secret)
  })

  it("a function logs no secret of an error that holds its request", async () => {
    const error = Object.assign(new Error("403"), {
      request: { headers: { authorization: "THE-AUTHORIZATION" } },
    })
    app.answer = async () => Promise.reject(error)
    await expect(makeHandler("alarm", app.start)(EVENT, contextOf())).rejects.toBe(error)
    expect(heard.lines()).toHaveLength(1)
    for (const secret of SECRETS) expect(heard.text()).not.toContain(secret)
  })
})
