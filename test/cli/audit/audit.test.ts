import { spawnSync } from "node:child_process"
import { stripVTControlCharacters } from "node:util"
import { describe, expect, it } from "vitest"
import { checkEntry, type LedgerEntry } from "../../../lib/ledger/entry.ts"
import { clockAt } from "../../world/clock.ts"
import { type CloudFixture, cliFixture, cloudFixture, ID, MINUTE, POLICY, START, STREAM } from "../harness.ts"

const ALARM = "test/events/functiongraph-smn-cloud-eye-alarm.json"

/** A ledger with a purchase and a pause. */
async function usedFixture(): Promise<CloudFixture> {
  const own = await cloudFixture()
  await own.run("run", "--event", ALARM)
  await own.run("pause", "--by", "night-shift", "--why", "maintenance", "--by", "ops")
  return own
}

describe("audit list", () => {
  it("audit list prints the newest entries of all streams in a sentence each, the newest last", async () => {
    const { code, out } = await (await usedFixture()).run("audit", "list")
    const [head, ...rows] = out.trimEnd().split("\n")
    expect(head).toMatch(/^time +stream +seq +kind +what$/)
    expect(rows.map((row) => row.replace(/ {2,}/g, " | ").replace(/CS\w+/, "CS…"))).toEqual([
      expect.stringMatching(
        / \| control \| 1 \| said \| ledger init .* \(an empty ledger, no order in flight/,
      ),
      "2024-01-12 16:52:00 +00:00 | control | 2 | said | pause everything, by ops: maintenance",
      "2024-01-12 16:52:00 +00:00 | train-a | 1 | opened | attempt 2 -> 4 servers, kat3ne-32-800t.192xlarge.8.matrix, for 120000 CNY, because of rule npu-busy (cloud-eye alarm al1704475580412b2a4lnr3W (alarm) of 2024-01-12 16:51:16 +00:00)",
      "2024-01-12 16:52:00 +00:00 | train-a | 2 | settled | ACCEPTED: the cloud accepted the order, CS…; it may await payment (HTTP 200), for 120000 CNY, because of rule npu-busy (cloud-eye alarm al1704475580412b2a4lnr3W (alarm) of 2024-01-12 16:51:16 +00:00)",
    ])
    expect(code).toBe(0)
  })

  it.each([
    ["a supernode's name", ["train-a"], 2],
    ["a supernode's id", [ID], 2],
    ["a supernode's stream", [STREAM], 2],
    ["the stream control", ["control"], 2],
    ["--stream", ["--stream", "control"], 2],
    ["a limit", ["train-a", "--limit", "1"], 1],
    ["a kind", ["--kind", "opened"], 1],
    ["an outcome", ["--outcome", "accepted"], 1],
    ["an outcome that no order had", ["--outcome", "rejected"], 0],
    ["an earliest time", ["train-a", "--since", "1m"], 2],
    [
      "an earliest time after all entries",
      ["train-a", "--since", "2024-01-12T16:52:00Z", "--kind", "said"],
      0,
    ],
    ["a latest time before all entries", ["--until", "2h"], 0],
  ])("audit list filters entries by %s", async (_what, argv, count) => {
    const { json } = await (await usedFixture()).run("audit", "list", ...argv, "--json")
    expect((json() as { entries: unknown[] }).entries).toHaveLength(count)
  })

  it("audit list names the cause, the requester and the price in every row of an order", async () => {
    const { json } = await (await usedFixture()).run("audit", "list", "train-a", "--json")
    const price = { amount: 120_000, currency: "CNY" }
    expect(json()).toMatchObject({
      entries: [
        { kind: "opened", cause: "rule npu-busy", requestedBy: null, price },
        { kind: "settled", cause: "rule npu-busy", requestedBy: null, price },
      ],
    })
  })

  it("audit list finds the newest matching entries, however many entries of other kinds follow them", async () => {
    const own = await cloudFixture()
    await own.run("run", "--event", ALARM)
    for (let count = 0; count < 3; count++) {
      own.advance(10 * MINUTE)
      await own.run("reset", "train-a", "--why", `number ${count}`, "--by", "ops")
    }
    const { json } = await own.run("audit", "list", "train-a", "--kind", "opened", "--limit", "1", "--json")
    expect(json()).toMatchObject({ entries: [{ seq: 1 }] })
  })

  it("audit list --follow prints new entries until it is stopped, one JSON document per line", async () => {
    const own = await usedFixture()
    let stop = (): void => undefined
    const stopped = new Promise<void>((resolve) => {
      stop = resolve
    })
    let rounds = 0
    const lines: string[] = []
    const clock = {
      ...clockAt(START),
      wait: async () => {
        if (rounds++ === 0) await own.run("resume", "--by", "ops")
        else stop()
      },
    }
    const stdout = { write: (text: string) => lines.push(text) }
    const io = { clock, stdout, untilStopped: () => stopped }
    const { code } = await own.runWith(io, "audit", "list", "control", "--follow", "--json")
    const entries = lines.map((line) => JSON.parse(line) as { seq: number; says: string })
    expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(entries[2]?.says).toContain("resume everything")
    expect(code).toBe(0)
  })

  it("audit list needs no policy to list all streams", async () => {
    const own = await usedFixture()
    const { code, out } = await own.run("audit", "list", "--policy", "nowhere.yaml")
    expect(out).toContain(STREAM)
    expect(code).toBe(0)
  })

  it("audit list prints every kind of entry and command in a sentence", async () => {
    const own = await cloudFixture()
    own.sandbox.setLoad(20)
    await own.run("run", "--event", own.file("t1.json", { kind: "tick", time: "2024-01-12T16:52:00Z" }))
    own.sandbox.setLoad(95)
    Object.assign(own.env, { SUPERNODE_MODE: "observe" })
    await own.run("run", "--event", own.file("t2.json", { kind: "tick", time: "2024-01-12T16:52:01Z" }))
    Object.assign(own.env, { SUPERNODE_MODE: "live" })
    await own.run("run", "--event", ALARM)
    own.advance(6 * MINUTE)
    await own.run("run", "--event", own.file("t3.json", { kind: "tick", time: "2024-01-12T16:58:00Z" }))
    own.advance(MINUTE)
    await own.run("reset", "train-a", "--why", "new keys", "--by", "ops")
    own.advance(MINUTE)
    await own.run("pause", "--by", "night-shift", "train-a", "--why", "a", "--until", "1h")
    own.advance(MINUTE)
    await own.run("resume", "--by", "night-shift", "train-a", "--why", "b")
    own.advance(MINUTE)
    await own.run("hold", "--by", "night-shift", "train-a", "--why", "c", "--until", "2h")
    own.advance(MINUTE)
    await own.run("approve", `sha256:${"a".repeat(64)}`, "--by", "boss")
    const { json } = await own.run("audit", "list", "--json")
    const { entries } = json() as { entries: { kind: string; says: string }[] }
    expect(entries.map(({ kind, says }) => `${kind}: ${says}`)).toEqual([
      expect.stringMatching(/^said: ledger init /),
      "decided: hold (not-breaching)",
      "decided: scale-up 2 -> 4 servers, observed only",
      "opened: attempt 2 -> 4 servers, kat3ne-32-800t.192xlarge.8.matrix",
      expect.stringMatching(/^settled: ACCEPTED: /),
      "observed: completed: is complete: 4 servers",
      "decided: hold (cooldown)",
      "said: reset, by ops: new keys",
      `said: pause ${ID} until 2024-01-12T18:00:00.000Z, by night-shift: a`,
      `said: resume ${ID}, by night-shift: b`,
      `said: hold ${ID} until 2024-01-12T19:02:00.000Z, by night-shift: c`,
      `said: approve sha256:${"a".repeat(64)}, by boss`,
    ])
  })

  it("audit show wraps the lines of gates to the width of the terminal", async () => {
    const own = await usedFixture()
    const { out } = await own.runWith(
      { isTerminal: true, columns: 80 },
      "audit",
      "show",
      "train-a",
      "1",
      "-v",
    )
    const gates = out.split("\n").filter((line) => /[✓✗·]/.test(line))
    expect(gates).toHaveLength(20)
    for (const line of gates) expect(stripVTControlCharacters(line).length).toBeLessThanOrEqual(80)
  })

  it("audit list reports that a stream has no entries", async () => {
    const { code, out } = await cliFixture().run("audit", "list", "train-a")
    expect([code, out]).toEqual([0, "no entries in train-a\n"])
  })
})

describe("audit show", () => {
  it("audit show prints the gates, the request and the position of the entry in the chain", async () => {
    const { code, out } = await (await usedFixture()).run("audit", "show", "train-a", "1")
    expect(out).toContain(`${STREAM} #1 opened: attempt 2 -> 4 servers`)
    expect(out).toMatch(
      /signal +cloud-eye alarm al1704475580412b2a4lnr3W \(alarm\) of 2024-01-12 16:51:16 \+00:00/,
    )
    expect(out).toMatch(/✓ +evidence +npu-busy/)
    expect(out).toContain("request: POST ")
    expect(out).toMatch(/before +none: this is the first/)
    expect(out).not.toContain("secret-words")
    expect(code).toBe(0)
  })

  it("audit show counts passing gates and folds a long response to one line, unless -v is given", async () => {
    const own = await usedFixture()
    const first = await own.run("audit", "show", "train-a", "1")
    expect(first.out).toContain("✓  19 of 20 gates passed; -v shows them")
    expect(first.out).not.toContain("within-budget")
    const { out } = await own.run("audit", "show", "train-a", "2")
    expect(out).toMatch(/^response: \d+ bytes; -v shows all of it$/m)
    const whole = await own.run("audit", "show", "train-a", "2", "-v")
    expect(whole.out).toMatch(/response \(\d+ bytes\):\n {2}\{.*"servers":/)
  })

  it.each([
    ["taken", {}, /was sent and accepted \(CS\w+\)\.$/m],
    [
      "refused",
      { status: 400, code: "ModelArts.6302", message: "quota" },
      /was sent and refused \(quota\)\.$/m,
    ],
    ["unknown", { status: 500, code: "x", message: "y" }, /was sent, and its outcome is unknown \(.+\)\.$/m],
  ])(
    "audit show describes the purchase and its cause in one sentence if the order was %s",
    async (_end, failure, ends) => {
      const own = await cloudFixture()
      if ("status" in failure) own.sandbox.failNext("scale-up", failure)
      await own.run("run", "--event", ALARM)
      for (const seq of ["1", "2"]) {
        const { out } = await own.run("audit", "show", "train-a", seq)
        expect(out).toContain(
          "cause   At 2024-01-12 16:52:00 +00:00, cloud-eye alarm al1704475580412b2a4lnr3W (alarm) of 2024-01-12 16:51:16 +00:00 and npu-busy: 5 of 5 points above 85 (3 needed) raised the demand of train-a from 2 to 4 servers, so an order of kat3ne-32-800t.192xlarge.8.matrix for 120000 CNY",
        )
        expect(out).toMatch(ends)
      }
    },
  )

  it("audit show --json prints the stored entry unchanged", async () => {
    const { json } = await (await usedFixture()).run("audit", "show", STREAM, "2", "--json")
    expect(checkEntry(json() as LedgerEntry).isIntact).toBe(true)
  })

  it("audit show reports the length of the chain if the entry does not exist", async () => {
    const { code, err } = await (await usedFixture()).run("audit", "show", "train-a", "9")
    expect(err).toBe(`error: ${STREAM} has no entry 9: the newest is 2\n`)
    expect(code).toBe(1)
  })
})

describe("audit verify", () => {
  it("audit verify checks every stream", async () => {
    const { code, out } = await (await usedFixture()).run("audit", "verify")
    expect(out).toMatch(/^✓ control: 2 entries, newest sha256:/m)
    expect(out).toMatch(/^✓ train-a: 2 entries, newest sha256:/m)
    expect(out).toContain("intact: 2 streams")
    expect(code).toBe(0)
  })

  it("audit verify names the first bad entry and fails", async () => {
    const own = await usedFixture()
    own.spoil(ID)
    const { code, out } = await own.run("audit", "verify")
    expect(out).toMatch(/^✓ control/m)
    expect(out).toMatch(/^✗ train-a: entry 2 is not in canonical form/m)
    expect(out).toContain("NOT INTACT: 1 of 2 streams")
    expect(code).toBe(1)
  })

  it("audit verify --json names the first bad entry", async () => {
    const own = await usedFixture()
    own.spoil(ID)
    const { code, json } = await own.run("audit", "verify", "train-a", "--json")
    expect(json()).toMatchObject({ ok: false, streams: [{ stream: STREAM, ok: false, seq: 2 }] })
    expect(code).toBe(1)
  })

  it("audit verify reports a missing ledger as missing, and not as intact", async () => {
    const { code, out, err } = await cliFixture(POLICY, { withoutLedger: true }).run("audit", "verify")
    expect(err).toContain("there is no ledger at")
    expect([code, out]).toEqual([1, ""])
  })
})

describe("audit anchor", () => {
  it("audit anchor prints heads, and audit verify --anchor fails once entries are cut off", async () => {
    const own = await usedFixture()
    const { out, json } = await own.run("audit", "anchor")
    expect(json()).toEqual({
      v: 1,
      ledger: expect.any(String),
      at: expect.any(Number),
      heads: {
        control: { seq: 2, hash: expect.stringMatching(/^sha256:/) },
        [STREAM]: { seq: 2, hash: expect.stringMatching(/^sha256:/) },
      },
    })
    const file = own.file("anchor.json", out)
    const kept = await own.run("audit", "verify", "--anchor", file)
    expect([kept.code, kept.out]).toEqual([0, expect.stringContaining("the ledger contains every head")])

    own.cutChain(STREAM, 1)
    const cut = await own.run("audit", "verify", "--anchor", file)
    expect([cut.code, cut.out]).toEqual([
      1,
      expect.stringMatching(/✗ train-a does not contain its anchored head #2/),
    ])
    const { ok, anchor } = (await own.run("audit", "verify", "--anchor", file, "--json")).json() as {
      ok: boolean
      anchor: { problems: unknown[] }
    }
    expect([ok, anchor.problems]).toEqual([false, [expect.objectContaining({ stream: STREAM })]])

    const script = new URL("../../../examples/verify_ledger.py", import.meta.url).pathname
    if (spawnSync("python3", ["--version"]).status !== 0) return
    const python = spawnSync("python3", [script, own.ledgerPath, "--anchor", file], { encoding: "utf8" })
    expect([python.status, python.stdout]).toEqual([
      1,
      expect.stringContaining(`BAD ${STREAM} does not contain`),
    ])
  })

  it.each([
    ["is not there", undefined, /anchor file .* cannot be read: no such file/],
    ["is not JSON", "{", /is not an anchor: is not JSON.*run: supernode-autoscaler audit anchor/],
    ["has no heads", { v: 1, ledger: null, at: 1 }, /is not an anchor: heads: /],
  ])(
    "audit verify --anchor reports in a sentence that the anchor file %s",
    async (_what, content, problem) => {
      const own = await cloudFixture()
      const file = content === undefined ? "nowhere.json" : own.file("anchor.json", content)
      const { code, err } = await own.run("audit", "verify", "--anchor", file)
      expect([code, err]).toEqual([1, expect.stringMatching(problem)])
    },
  )
})

describe("audit export", () => {
  it("audit export writes every entry on a line that matches its hash", async () => {
    const { code, out } = await (await usedFixture()).run("audit", "export")
    const entries = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as LedgerEntry)
    expect(entries.map(({ stream, seq }) => `${stream}#${seq}`)).toEqual([
      "control#1",
      "control#2",
      `${STREAM}#1`,
      `${STREAM}#2`,
    ])
    expect(entries.every((entry) => checkEntry(entry).isIntact)).toBe(true)
    expect(out).not.toContain("secret-words")
    expect(code).toBe(0)
  })

  it("audit export --csv writes a row per order with its price and order id, and escapes a name like =SUM(A1)", async () => {
    const own = await cloudFixture()
    const shown = await own.run("dry-run", "train-a", "--by", "=SUM(A1)", "--why", 'a "big", run', "--json")
    const { request } = shown.json() as { request: object }
    await own.run("run", "--event", own.file("r.json", request))
    const { code, out } = await own.run("audit", "export", "--csv")
    const [head = "", row = "", ...others] = out.trimEnd().split("\r\n")
    expect(head).toBe(
      "supernode,attempt,opened_at,settled_at,outcome,from_servers,to_servers,flavor,price_amount,price_currency,order_id,order_status,order_amount,order_currency,cause,requested_by,opened_entry,settled_entry",
    )
    expect(row).toMatch(
      /^train-a,[\w-]+,2024-01-12T16:52:00\.000Z,2024-01-12T16:52:00\.000Z,accepted,2,4,kat3ne-32-800t\.192xlarge\.8\.matrix,120000,CNY,CS\w+,,,,"request: a ""big"", run",'=SUM\(A1\),1,2$/,
    )
    expect(others).toEqual([])
    expect(code).toBe(0)
    expect((await own.run("audit", "export", "--csv", "--json")).code).toBe(2)
  })

  it.each([
    ["\uff1dSUM(A1)", "'\uff1dSUM(A1)"],
    ["ann;=cmd|' /C calc'!A0; +1,\"2\"", '"ann;\'=cmd|\' /C calc\'!A0;\' +1,""2"""'],
    ["ann-marie; bob", "ann-marie; bob"],
  ])(
    "audit export --csv escapes a requester's name so that a spreadsheet reads no part of it as a formula: %s",
    async (name, written) => {
      const own = await cloudFixture()
      const shown = await own.run("dry-run", "train-a", "--by", name, "--why", "a run", "--json")
      await own.run("run", "--event", own.file("r.json", (shown.json() as { request: object }).request))
      const { out } = await own.run("audit", "export", "--csv")
      expect(out.split("\r\n")[1]).toContain(`,request: a run,${written},1,2`)
    },
  )

  it.each<[string, (own: CloudFixture) => Promise<unknown>, RegExp]>([
    [
      "accepted, with values of its order",
      async () => {},
      /,accepted,.*,120000,CNY,CS\w+,5,118800\.5,CNY,rule npu-busy,,1,2$/,
    ],
    [
      "rejected",
      async (own) => own.sandbox.failNext("scale-up", { throttle: 30 }),
      /,rejected,.*,120000,CNY,,,,,rule npu-busy,,1,2$/,
    ],
    [
      "unknown",
      async (own) => own.sandbox.failNext("scale-up", { reset: "before-effect" }),
      /,unknown,.*,120000,CNY,,,,,rule npu-busy,,1,2$/,
    ],
  ])("audit export --csv reports that an order was %s", async (_, prepare, row) => {
    const own = await cloudFixture()
    own.env["SUPERNODE_BSS_ENDPOINT"] = own.sandbox.url
    own.sandbox.setPayment({ status: 5, amount: 118_800.5, currency: "CNY" })
    await prepare(own)
    await own.run("run", "--event", ALARM)
    expect((await own.run("audit", "export", "--csv")).out.split("\r\n")[1]).toMatch(row)
  })

  it("audit export --csv reports an order as open until a person settles it, if its run recorded no outcome", async () => {
    const own = await cloudFixture()
    await own.run("run", "--event", ALARM)
    own.cutChain(STREAM, 1)
    expect((await own.run("audit", "export", "--csv")).out.split("\r\n")[1]).toMatch(/Z,,open,2,4,.*,1,$/)
    own.advance(5 * MINUTE)
    await own.run("settle", "train-a", "--as", "completed", "--why", "seen", "--by", "ops")
    expect((await own.run("audit", "export", "--csv")).out.split("\r\n")[1]).toMatch(/,settled as completed,/)
  })

  it("audit export ends early if the reader closes the pipe", async () => {
    const own = await usedFixture()
    const written: string[] = []
    const stdout = {
      write: (text: string) => written.push(text),
      get isGone() {
        return written.length > 0
      },
    }
    const { code } = await own.runWith({ stdout }, "audit", "export")
    expect(written).toHaveLength(1)
    expect(code).toBe(0)
  })

  it("audit export stops at an entry that cannot be trusted", async () => {
    const own = await usedFixture()
    own.spoil(ID)
    const { code, err } = await own.run("audit", "export", "train-a")
    expect(err).toContain("cannot be trusted")
    expect(code).toBe(1)
  })
})
