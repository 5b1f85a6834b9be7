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
  test("a manual request needs only supernode, requestedBy and why, and is then a dry run without a bypass", () => {
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

  test("a manual request is read with all its keys", () => {
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

  test("a live request without a plan's hash is refused, and the error says how to get the hash", () => {
    const [problem] = problemsOf({ ...MINIMAL, mode: "live" }, "manual")
    expect(problem).toMatch(/^planHash: is missing, .*"mode": "dry-run".*plan\.hash/)
  })

  test("a manual request with unknown keys is refused, naming each of them", () => {
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
  ])("a manual request with %s = %j is refused", (key, value) => {
    expect(problemsOf({ ...MINIMAL, [key]: value }, "manual")).toEqual([
      expect.stringMatching(new RegExp(`^${key}: `)),
    ])
  })

  test("all problems of a manual request are reported together", () => {
    expect(problemsOf({ supernode: "", mode: "buy", servers: 0 }, "manual")).toHaveLength(5)
  })
})

describe("the id of a request", () => {
  test("a manual request has the same id if it is repeated within a minute", () => {
    expect(requestWith({}, NOW + 20_000).id).toBe(requestWith({}).id)
    expect(requestWith({ mode: "dry-run" }).id).toBe(requestWith({}).id)
  })

  test("a manual request has another id if it is repeated a minute later", () => {
    expect(requestWith({}, NOW + 60_000).id).not.toBe(requestWith({}).id)
  })

  test.each([
    ["supernode", "train-b"],
    ["why", "another reason"],
    ["requestedBy", "dev@example.com"],
    ["servers", 4],
    ["planHash", HASH],
    ["bypassCooldown", true],
  ])("a manual request with another %s has another id", (key, value) => {
    expect(requestWith({ [key]: value }).id).not.toBe(requestWith({}).id)
  })

  test("a manual request with an id of its own keeps that id at any time", () => {
    expect(requestWith({ id: "ticket-7" }, NOW + 3_600_000).id).toBe(requestWith({ id: "ticket-7" }).id)
  })

  test("a manual request's own id of a thousand characters is replaced by a digest", () => {
    expect(requestWith({ id: "x".repeat(1_000) }).id).toMatch(/^request\|sha256:[0-9a-f]{64}$/)
  })
})
