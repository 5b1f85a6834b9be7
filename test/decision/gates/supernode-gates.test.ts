import { describe, expect, it } from "vitest"
import type { Server } from "../../../lib/decision/inputs/supernode.ts"
import {
  attemptOf,
  policyOf,
  read,
  readingOf,
  requestOf,
  serverOf,
  serversOf,
  stateWith,
  supernodeOf,
} from "../builders.ts"
import { decisionOf, findingOf, outcomeAt } from "../judge.ts"

const servers = (...list: Server[]) => ({ supernode: read(supernodeOf({ servers: list })) })

describe("supernode-ready", () => {
  it.each(["PROVISIONING", "ERROR", "REIMAGING", "TERMINATING", "TERMINATED", "SOMETHING_NEWER", ""])(
    'a supernode with status "%s" is not ready',
    (status) => {
      expect(outcomeAt("supernode-ready", { supernode: read(supernodeOf({ status })) })).toEqual([
        false,
        "supernode-not-ready",
        "supernode-not-ready",
      ])
    },
  )

  it.each(["CREATING", "STARTING", "STOPPING", "DELETING", "ERROR", "UNKNOWN", "running", "SOMETHING_NEWER"])(
    "a server with status %s makes the supernode not ready, and the finding names the server",
    (status) => {
      const over = servers(serverOf("s1"), serverOf("s2", { status }))
      expect(outcomeAt("supernode-ready", over)).toEqual([
        false,
        "supernode-not-ready",
        "supernode-not-ready",
      ])
      expect(findingOf("supernode-ready", over).says).toContain(`train-a-s2 is ${status}`)
    },
  )

  it.each<[string, Server[]]>([
    ["running", serversOf(2)],
    ["running or stopped", [serverOf("s1"), serverOf("s2", { status: "STOPPED" })]],
    ["running beside a deleted one", [...serversOf(2), serverOf("s3", { status: "DELETED" })]],
  ])("a supernode is ready if its servers are %s", (_, list) => {
    expect(findingOf("supernode-ready", servers(...list)).passed).toBe(true)
  })

  it("a supernode is unreadable if the response has no list of servers, and readable if the list is empty", () => {
    const over = { supernode: read(supernodeOf({ servers: null })) }
    expect(outcomeAt("supernode-ready", over)).toEqual([
      false,
      "supernode-unreadable",
      "supernode-unreadable",
    ])
    expect(outcomeAt("supernode-ready", servers())[1]).toBeNull()
  })

  it("a supernode is unreadable if a known server is missing without being DELETED, and the finding names the server", () => {
    const over = { state: stateWith({ servers: ["s1", "s2", "s9"] }) }
    expect(outcomeAt("supernode-ready", over)).toEqual([
      false,
      "supernode-unreadable",
      "supernode-unreadable",
    ])
    expect(findingOf("supernode-ready", over).says).toContain("s9")
  })

  it("a supernode is ready if a known server is listed as DELETED", () => {
    const over = {
      ...servers(...serversOf(2), serverOf("s9", { status: "DELETED" })),
      state: stateWith({ servers: ["s1", "s2", "s9"] }),
    }
    expect(outcomeAt("supernode-ready", over)).toEqual([true, null, null])
  })
})

describe("rung-known", () => {
  it.each<[number, boolean]>([
    [0, false],
    [1, true],
    [2, true],
    [3, false],
    [4, true],
    [5, false],
  ])("%i servers on the ladder 1, 2, 4 are a known rung: %s", (count, passed) => {
    expect(outcomeAt("rung-known", servers(...serversOf(count))).slice(0, 2)).toEqual([
      passed,
      passed ? null : "rung-unknown",
    ])
  })

  it("gate rung-known names the present number of servers and the expected ones", () => {
    const { says } = findingOf("rung-known", servers(...serversOf(3)))
    expect(says).toContain("3 servers")
    expect(says).toContain("1, 2, 4")
  })

  it("every server counts, whatever its status, except DELETED ones", () => {
    const over = servers(serverOf("s1"), serverOf("s2", { status: "DELETED" }))
    expect(findingOf("rung-known", over).facts).toMatchObject({ counted: 1 })
    expect(
      findingOf("rung-known", servers(serverOf("s1"), serverOf("s2", { status: "CREATING" }))).facts,
    ).toMatchObject({ counted: 2 })
  })

  it("servers that are ordered but not complete count as present", () => {
    const over = { state: stateWith({ attempt: attemptOf({ from: 2, to: 4 }) }) }
    expect(findingOf("rung-known", over).facts).toMatchObject({ seen: 2, counted: 4 })
    expect(findingOf("rung-above-current", over).reason).toBe("already-there")
  })

  it("a rung is unknown if a person requests a number of servers that no rung has", () => {
    expect(outcomeAt("rung-known", { signal: requestOf({ servers: 3 }) })).toEqual([
      false,
      "rung-unknown",
      "rung-unknown",
    ])
  })
})

describe("rung-above-current", () => {
  it("holds at the top of the ladder, whatever the load", () => {
    const over = {
      ...servers(...serversOf(4)),
      readings: read([readingOf([97, 97, 97, 97, 97], { servers: ["s1", "s2", "s3", "s4"] })]),
    }
    expect(outcomeAt("rung-above-current", over)).toEqual([false, "already-there", "already-there"])
    expect(decisionOf(over).target).toBeNull()
  })

  it.each([1, 2])(
    "a request for %i servers holds if 2 are present, because the autoscaler never scales in",
    (wanted) => {
      expect(outcomeAt("rung-above-current", { signal: requestOf({ servers: wanted }) })).toEqual([
        false,
        "already-there",
        "already-there",
      ])
    },
  )
})

describe("within-servers-limit", () => {
  const limited = (limit: number) => policyOf({ limits: { actions: "2 per 24h", servers: limit } })
  const twoUp = (limit: number) => {
    const rules = [
      {
        name: "npu-busy",
        metric: { "cloud-eye": { namespace: "AGT.ECS", name: "npu", period: "5m" } },
        points: "3 of 5",
        steps: [{ from: 85, up: 2 }],
      },
    ]
    return {
      ...servers(serverOf("s1")),
      readings: read([readingOf([97, 97, 97, 97, 97], { servers: ["s1"] })]),
      policy: policyOf({ rules, limits: { actions: "2 per 24h", servers: limit } }),
    }
  }

  it("buys as many servers as the limit allows", () => {
    expect(decisionOf({ policy: limited(4) })).toMatchObject({ kind: "scale-up", target: { to: 4 } })
  })

  it("holds if no rung above the current rung is within the servers limit", () => {
    expect(outcomeAt("within-servers-limit", { policy: limited(3) })).toEqual([false, "at-limit", "at-limit"])
  })

  it.each([2, 3])(
    "buys the highest rung above the current rung that the servers limit allows: %i",
    (limit) => {
      expect(decisionOf(twoUp(limit))).toMatchObject({
        kind: "scale-up",
        target: { flavor: "rung-2", from: 1, to: 2 },
      })
      expect(findingOf("within-servers-limit", twoUp(limit)).says).toContain("clamped")
    },
  )

  it("a person's request above the servers limit holds, and is never reduced to the limit", () => {
    const over = { ...twoUp(2), signal: requestOf({ servers: 4 }) }
    expect(outcomeAt("within-servers-limit", over)).toEqual([false, "at-limit", "at-limit"])
    expect(decisionOf(over).target).toBeNull()
  })
})
