import { describe, expect, test } from "vitest"
import type { RequestSignal } from "../../lib/decision/inputs/signal.ts"
import { readSignals } from "../../lib/signals/read.ts"
import { NOW, problemsOf } from "./sample.ts"

const MINIMAL = { supernode: "train-a", requestedBy: "ops@example.com", why: "launch week" }
const HASH = `sha256:${"0123456789abcdef".repeat(4)}`

function requestWith(over: Record<string, unknown>, now = NOW): RequestSignal {
  const [signal] = readSignals({ ...MINIMAL, ...over }, "manual", { now }).signals
  if (signal?.kind !== "request") throw new Error("a request was expected")
  return signal
}

describe("a manual request", () => {
  test("needs supernode, requestedBy and why only, and then is a dry run without a bypass", () => {
    expect(requestWith({})).toEqual({
      ...MINIMAL,
      kind: "request",
      id: requestWith({}).id,
      at: NOW,
      mode: "dry-run",
      servers: null,
      planHash: null,
      bypassCooldown: false,
    })
  })

  test("is read with all its keys", () => {
    expect(
      requestWith({ mode: "live", servers: 4, planHash: HASH, bypassCooldown: true, id: "ticket-7" }),
    ).toEqual({
      ...MINIMAL,
      kind: "request",
      id: "request|ticket-7",
      at: NOW,
      mode: "live",
      servers: 4,
      planHash: HASH,
      bypassCooldown: true,
    })
  })

  test("is refused without a plan's hash if it is live, and says how to get one", () => {
    const [problem] = problemsOf({ ...MINIMAL, mode: "live" }, "manual")
    expect(problem).toMatch(/^planHash: is missing: .*"mode": "dry-run".*plan\.hash/)
  })

  test("is refused with an unknown key, and names it", () => {
    const [problem] = problemsOf({ ...MINIMAL, bypasCooldown: true, server: 4 }, "manual")
    expect(problem).toMatch(/^the event: Unrecognized keys: /)
    expect(problem).toContain('"bypasCooldown"')
    expect(problem).toContain('"server"')
  })

  test.each<[string, unknown]>([
    ["supernode", undefined],
    ["supernode", ""],
    ["supernode", 5],
    ["requestedBy", undefined],
    ["requestedBy", "  "],
    ["requestedBy", "WHO"],
    ["why", undefined],
    ["why", ""],
    ["why", "TEXT"],
    ["why", "x".repeat(2_001)],
    ["mode", "observe"],
    ["mode", "LIVE"],
    ["mode", null],
    ["servers", 0],
    ["servers", 49],
    ["servers", 2.5],
    ["servers", "4"],
    ["servers", null],
    ["planHash", "abc"],
    ["planHash", HASH.toUpperCase()],
    ["bypassCooldown", "true"],
    ["id", ""],
    ["id", 7],
  ])("is refused with %s = %j", (key, value) => {
    expect(problemsOf({ ...MINIMAL, [key]: value }, "manual")).toEqual([
      expect.stringMatching(new RegExp(`^${key}: `)),
    ])
  })

  test("reports all its problems together", () => {
    expect(problemsOf({ supernode: "", mode: "buy", servers: 0 }, "manual")).toHaveLength(5)
  })
})

describe("the id of a request", () => {
  test("is the same for the same request within a minute", () => {
    expect(requestWith({}, NOW + 20_000).id).toBe(requestWith({}).id)
    expect(requestWith({ mode: "dry-run" }).id).toBe(requestWith({}).id)
  })

  test("differs a minute later", () => {
    expect(requestWith({}, NOW + 60_000).id).not.toBe(requestWith({}).id)
  })

  test.each([
    ["supernode", "train-b"],
    ["why", "another reason"],
    ["requestedBy", "dev@example.com"],
    ["servers", 4],
    ["planHash", HASH],
    ["bypassCooldown", true],
  ])("differs for another %s", (key, value) => {
    expect(requestWith({ [key]: value }).id).not.toBe(requestWith({}).id)
  })

  test("is always the request's own id if it has one", () => {
    expect(requestWith({ id: "ticket-7" }, NOW + 3_600_000).id).toBe(requestWith({ id: "ticket-7" }).id)
  })

  test("is replaced by a digest if it has a thousand characters", () => {
    expect(requestWith({ id: "x".repeat(1_000) }).id).toMatch(/^request\|sha256:[0-9a-f]{64}$/)
  })
})
