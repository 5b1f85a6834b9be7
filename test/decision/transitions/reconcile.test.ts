import { describe, expect, it } from "vitest"
import type { Server } from "../../../lib/decision/inputs/supernode.ts"
import { reconcile } from "../../../lib/decision/transitions/reconcile.ts"
import {
  attemptOf,
  HOUR,
  MINUTE,
  NOW,
  policyOf,
  read,
  SECOND,
  serverOf,
  serversOf,
  situationOf,
  stateWith,
  supernodeOf,
  unreadable,
} from "../builders.ts"

const newcomer = (id: string, over: Partial<Server> = {}) =>
  serverOf(id, { createAt: NOW - 20 * MINUTE, updateAt: NOW - 10 * MINUTE, ...over })

function seen(servers: Server[], attempt = attemptOf({ acceptedAt: NOW - 30 * MINUTE })) {
  return reconcile(
    situationOf({
      state: stateWith({ attempt, servers: ["s1", "s2"] }),
      supernode: read(supernodeOf({ servers })),
    }),
  )
}

describe("an accepted purchase", () => {
  it("a purchase is complete when all new servers run, at the newest of their update times", () => {
    const servers = [...serversOf(2), newcomer("n1"), newcomer("n2", { updateAt: NOW - 4 * MINUTE })]
    expect(seen(servers)).toMatchObject({
      kind: "completed",
      servers: ["n1", "n2"],
      present: ["s1", "s2", "n1", "n2"],
      at: NOW - 4 * MINUTE,
    })
  })

  it.each([
    ["before the request", NOW - 5 * HOUR, NOW - HOUR],
    ["after now", NOW + HOUR, NOW],
    ["missing", null, NOW],
  ])("a purchase never completes before its request or after now: update_at %s", (_, updateAt, at) => {
    expect(seen([...serversOf(2), newcomer("n1", { updateAt }), newcomer("n2", { updateAt })])).toMatchObject(
      { kind: "completed", at },
    )
  })

  it("an accepted purchase reports nothing while servers are being created", () => {
    expect(seen([...serversOf(2), newcomer("n1"), newcomer("n2", { status: "CREATING" })])).toBeNull()
  })

  it("an accepted purchase is stuck when new servers do not run 45 minutes after acceptance", () => {
    const late = attemptOf({ acceptedAt: NOW - 45 * MINUTE - SECOND })
    expect(
      seen([...serversOf(2), newcomer("n1"), newcomer("n2", { status: "CREATING" })], late),
    ).toMatchObject({ kind: "stuck", servers: ["n1", "n2"] })
    expect(seen(serversOf(2), late)).toMatchObject({ kind: "stuck", servers: [] })
    expect(
      seen(
        [...serversOf(2), newcomer("n1", { status: "CREATING" })],
        attemptOf({ acceptedAt: NOW - 45 * MINUTE }),
      ),
    ).toBeNull()
  })

  it("a purchase is not stuck if no response of the cloud has a time, because our clock may be hours ahead", () => {
    const state = stateWith({ attempt: attemptOf({ acceptedAt: NOW - 3 * HOUR }), servers: ["s1", "s2"] })
    const supernode = read(supernodeOf({ servers: serversOf(2) }))
    expect(reconcile(situationOf({ state, supernode, cloudSkewMs: null }))).toBeNull()
  })

  it("an accepted purchase is partial when fewer servers than planned run 45 minutes after acceptance", () => {
    const late = attemptOf({ acceptedAt: NOW - 46 * MINUTE })
    expect(seen([...serversOf(2), newcomer("n1")], late)).toMatchObject({ kind: "partial", servers: ["n1"] })
    expect(seen([...serversOf(2), newcomer("n1")])).toBeNull()
  })

  it("a purchase is wrong when more servers than planned are present, or servers of another flavor", () => {
    expect(seen([...serversOf(2), newcomer("n1"), newcomer("n2"), newcomer("n3")])).toMatchObject({
      kind: "wrong",
    })
    const node = { flavor: "node" }
    const other = [...serversOf(2, node), newcomer("n1", node), newcomer("n2", { flavor: "other" })]
    expect(seen(other)).toMatchObject({ kind: "wrong", says: expect.stringContaining("other") })
  })

  it("a server that is DELETED does not count towards a purchase", () => {
    expect(
      seen([...serversOf(2), newcomer("n1"), newcomer("n2"), newcomer("n3", { status: "DELETED" })]),
    ).toMatchObject({ kind: "completed" })
  })
})

describe("an attempt whose outcome is not known", () => {
  it("an open attempt is unknown past its deadline, even if the cloud cannot be read", () => {
    const open = attemptOf({ state: "open", deadline: NOW - 1 })
    expect(
      reconcile(situationOf({ state: stateWith({ attempt: open }), supernode: unreadable() })),
    ).toMatchObject({ kind: "unknown", attempt: "attempt-1" })
    expect(seen(serversOf(2), { ...open, deadline: NOW })).toBeNull()
  })

  it("new servers make an unknown attempt accepted only if the policy says auto", () => {
    const state = stateWith({ attempt: attemptOf({ state: "unknown" }) })
    const supernode = read(
      supernodeOf({ servers: [...serversOf(2), newcomer("n1", { status: "CREATING" })] }),
    )
    expect(reconcile(situationOf({ state, supernode }))).toBeNull()
    const policy = policyOf({ unknown_outcome: "auto" })
    expect(reconcile(situationOf({ state, supernode, policy }))).toMatchObject({
      kind: "accepted",
      servers: ["n1"],
    })
    expect(reconcile(situationOf({ state, policy }))).toBeNull()
  })

  it.each(["stuck", "partial", "wrong"] as const)(
    "an attempt that is %s stays so until a person settles it, whatever the servers do",
    (state) => {
      expect(seen([...serversOf(2), newcomer("n1"), newcomer("n2")], attemptOf({ state }))).toBeNull()
    },
  )
})

describe("servers that came or went without us", () => {
  it("servers that we did not buy are out of band, with the newest creation time", () => {
    const state = stateWith({ servers: ["s1", "s2"] })
    const servers = [...serversOf(2), newcomer("n1"), newcomer("n2", { createAt: NOW - 5 * MINUTE })]
    expect(reconcile(situationOf({ state, supernode: read(supernodeOf({ servers })) }))).toMatchObject({
      kind: "out-of-band",
      servers: ["n1", "n2"],
      at: NOW - 5 * MINUTE,
    })
  })

  it("servers are not reported as out of band while the ledger knows no server of the supernode", () => {
    expect(reconcile(situationOf({}))).toBeNull()
  })

  it("servers are reported as deleted while the cloud still lists them as DELETED", () => {
    const state = stateWith({ servers: ["s1", "s2"] })
    const servers = [serverOf("s1"), serverOf("s2", { status: "DELETED" })]
    expect(reconcile(situationOf({ state, supernode: read(supernodeOf({ servers })) }))).toMatchObject({
      kind: "out-of-band",
      servers: ["s2"],
      present: ["s1"],
    })
  })

  it("new servers after a settlement as absent are observed as wrong, because the purchase happened after all", () => {
    const state = stateWith({
      servers: ["s1", "s2"],
      absent: [attemptOf({ state: "unknown", acceptedAt: null })],
    })
    const servers = [...serversOf(2), newcomer("n1")]
    expect(reconcile(situationOf({ state, supernode: read(supernodeOf({ servers })) }))).toMatchObject({
      kind: "wrong",
      attempt: "attempt-1",
      servers: ["n1"],
    })
  })
})

describe("the sentence of an observation", () => {
  const late = attemptOf({ acceptedAt: NOW - 46 * MINUTE })
  const creating = { status: "CREATING" }

  it.each<[string, Server[], typeof late | undefined]>([
    ["is complete: 4 servers", [newcomer("n1"), newcomer("n2")], undefined],
    [
      "led to 5 servers; 4 were planned",
      [newcomer("n1"), newcomer("n2"), newcomer("n3", creating)],
      undefined,
    ],
    ["led to only 3 servers; 4 were planned, and the rest is not ordered again", [newcomer("n1")], late],
    [
      "is not complete 45 minutes after it was accepted: n1 RUNNING, n2 CREATING",
      [newcomer("n1"), newcomer("n2", creating)],
      late,
    ],
    ["is not complete 45 minutes after it was accepted: no new server is listed", [], late],
    [
      "was opened, but its outcome was not recorded by 2024-01-12T16:59:59.999Z",
      [],
      attemptOf({ state: "open", deadline: NOW - 1 }),
    ],
  ])("the sentence of an observation is: %s", (says, servers, attempt) => {
    expect(seen([...serversOf(2), ...servers], attempt)?.says).toBe(says)
  })

  it("an attempt without an acceptance time is stuck 45 minutes after it was opened", () => {
    const attempt = attemptOf({ openedAt: NOW - 46 * MINUTE, acceptedAt: null })
    expect(seen(serversOf(2), attempt)).toMatchObject({ kind: "stuck" })
  })

  it("the sentence of an observation names both the new and the deleted external servers", () => {
    const state = stateWith({ servers: ["s1", "s2"] })
    const saidOf = (...servers: Server[]) =>
      reconcile(situationOf({ state, supernode: read(supernodeOf({ servers })) }))
    const gone = serverOf("s2", { status: "DELETED" })
    expect(saidOf(serverOf("s1"), gone, newcomer("n1"))).toMatchObject({
      says: "1 server appeared that we did not buy; 1 server was deleted",
      servers: ["n1", "s2"],
      present: ["s1", "n1"],
      at: NOW - 20 * MINUTE,
    })
    expect(saidOf(serverOf("s1"), gone)).toMatchObject({ says: "1 server was deleted", at: NOW })
    expect(saidOf(...serversOf(2), newcomer("n1"))?.says).toBe("1 server appeared that we did not buy")
    expect(saidOf(...serversOf(2), serverOf("old", { status: "DELETED" }))).toBeNull()
    // Listed twice, once with its former status: it counts as present.
    expect(saidOf(...serversOf(2), gone)).toBeNull()
  })

  it("the sentence about an absent attempt counts its new servers, and names the order of a late response", () => {
    const absent = (over: Partial<typeof late>) =>
      stateWith({ servers: ["s1", "s2"], absent: [attemptOf({ state: "unknown", ...over })] })
    const supernode = read(supernodeOf({ servers: [...serversOf(2), newcomer("n1")] }))
    expect(reconcile(situationOf({ state: absent({ acceptedAt: null }), supernode }))?.says).toBe(
      "was settled as absent, but 1 new server appeared",
    )
    const answered = (orderId: string | null) =>
      reconcile(situationOf({ state: absent({ acceptedAt: NOW, orderId }), supernode: unreadable() }))
    expect(answered("CS7")).toMatchObject({
      kind: "wrong",
      says: "was settled as absent, but the cloud accepted it as order CS7",
      servers: [],
    })
    expect(answered(null)?.says).toBe("was settled as absent, but the cloud accepted it")
  })

  it("the sentence about an unknown outcome counts the servers that make it accepted", () => {
    const state = stateWith({ attempt: attemptOf({ state: "unknown" }) })
    const supernode = read(supernodeOf({ servers: [...serversOf(2), newcomer("n1")] }))
    const policy = policyOf({ unknown_outcome: "auto" })
    expect(reconcile(situationOf({ state, supernode, policy }))?.says).toBe(
      "counts as accepted: 1 new server since it was opened",
    )
  })
})

describe("the flavor of a new server", () => {
  it.each<[string, (string | null)[], (string | null)[], string | null]>([
    ["is wrong if all earlier servers had another one", ["a", "a"], ["a", "b"], "wrong"],
    ["is wrong at any position in the list", ["a", "a"], ["b", "a"], "wrong"],
    ["is not compared if the earlier servers differ among themselves", ["a", "b"], ["b", "b"], "completed"],
    [
      "is not compared if the flavors of the earlier servers are unknown",
      [null, null],
      ["b", "b"],
      "completed",
    ],
    ["is not wrong if it is unknown", ["a", "a"], [null, "a"], "completed"],
    ["is wrong even after a new server with an unknown flavor", ["a", "a"], [null, "b"], "wrong"],
  ])("the flavor of a new server %s", (_, before, after, kind) => {
    const servers = [
      ...before.map((flavor, i) => serverOf(`s${i + 1}`, { flavor })),
      ...after.map((flavor, i) => newcomer(`n${i + 1}`, { flavor })),
    ]
    expect(seen(servers)).toMatchObject({ kind })
  })

  it("the flavor of a new server is not compared if there was no server before", () => {
    const state = stateWith({ servers: [], attempt: attemptOf({ before: [], from: 0, to: 1 }) })
    const supernode = read(supernodeOf({ servers: [newcomer("n1", { flavor: "b" })] }))
    expect(reconcile(situationOf({ state, supernode }))).toMatchObject({ kind: "completed" })
  })
})
