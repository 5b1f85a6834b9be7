import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { beforeAll, describe, expect, it, onTestFinished, type TestContext } from "vitest"
import { canonicalText } from "../../lib/digest.ts"
import { type Anchor, anchorOf, parseAnchor } from "../../lib/ledger/anchor.ts"
import { entryText, type LedgerEntry, sealEntry } from "../../lib/ledger/entry.ts"
import { type LedgerVerification, verifyLedger } from "../../lib/ledger/verify-ledger.ts"
import { A, B, type Chains, realLedger, resealed, restoredLedger, storeOf } from "./real-ledger.ts"

let real: Chains
let anchor: Anchor

beforeAll(async () => {
  real = await realLedger()
  const heads = Object.values(real).flatMap((chain) => chain.slice(-1))
  anchor = anchorOf(heads, 1)
})

const V1 = readFileSync(new URL("v1-ledger.jsonl", import.meta.url), "utf8")
const cut = (stream: string, count: number): Chains => ({
  ...real,
  [stream]: (real[stream] ?? []).slice(0, -count),
})
const changed = (stream: string, change: (chain: LedgerEntry[]) => LedgerEntry[]): Chains => ({
  ...real,
  [stream]: change(real[stream] ?? []),
})
const last = (stream: string): LedgerEntry => real[stream]?.at(-1) as LedgerEntry
const newestState = (stream: string, part: object): Chains =>
  changed(stream, (chain) =>
    resealed(chain, chain.length, ({ standing }) => ({ standing: { ...standing, ...part } })),
  )

const hasPython = spawnSync("python3", ["--version"]).status === 0
const script = new URL("../../examples/verify_ledger.py", import.meta.url).pathname

/** Result of the verifier in Python for these lines. */
function judge(lines: string, against?: Anchor): LedgerVerification & { code: number | null } {
  const dir = mkdtempSync(join(tmpdir(), "anchor-"))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const file = join(dir, "anchor.json")
  writeFileSync(file, JSON.stringify(against ?? null))
  const args = [script, "-", "--json", ...(against ? ["--anchor", file] : [])]
  const { stdout, stderr, status } = spawnSync("python3", args, { input: lines, encoding: "utf8" })
  if (stdout === "") throw new Error(stderr)
  return { code: status, ...(JSON.parse(stdout) as LedgerVerification) }
}

describe("verifying a whole ledger", () => {
  it("verification finds an unchanged ledger intact, with its anchor", async () => {
    expect(Object.keys(real).sort()).toEqual(["control", "fleet", A, B].sort())
    expect(await verifyLedger(storeOf(real), anchor)).toMatchObject({ ok: true, across: [], anchor: [] })
  })

  it("verification names an entry whose state does not follow from its events, even if hashes and links fit", async () => {
    const { streams } = await verifyLedger(storeOf(newestState(A, { purchases: [] })))
    const problem = "has a state that does not follow from its entries: purchases"
    expect(streams).toContainEqual({ stream: A, ok: false, seq: last(A).seq, problem })
  })

  it.each<[string, () => Chains, RegExp]>([
    [
      "a command that was removed from control's state",
      () => newestState("control", { ledger: undefined }),
      /follow from its entries: ledger/,
    ],
    [
      "a reservation that was removed from fleet's state",
      () => newestState("fleet", { members: {} }),
      /follow from its entries: members/,
    ],
    ["a state with a malformed part", () => newestState(A, { purchases: 7 }), /malformed state: "purchases"/],
    ["a state that lacks a part", () => newestState(B, { signals: undefined }), /malformed state: "signals"/],
    [
      "an event that cannot be folded",
      () => changed(A, (chain) => resealed(chain, 1, () => ({ decision: { target: 5 } }))),
      /cannot be folded again|does not follow/,
    ],
    [
      "a policy that is referred to but not stored",
      () => changed(A, (chain) => resealed(chain, 1, () => ({ policy: undefined }))),
      /refers to policy|does not follow/,
    ],
    [
      "an entry that is too big",
      () => changed(A, (chain) => [...chain.slice(0, -1), { ...last(A), run: "x".repeat(300_000) }]),
      /has \d+ bytes/,
    ],
    [
      "an entry before the first one",
      () =>
        changed(A, (chain) => {
          const { hash: _old, ...draft } = chain[0] as LedgerEntry
          return [sealEntry({ ...draft, seq: 0 }), ...chain]
        }),
      /has a seq below 1/,
    ],
    [
      "a newest entry that claims version 1, so that its emptied state would not be folded again",
      () =>
        changed(A, (chain) =>
          resealed(chain, chain.length, ({ standing }) => ({
            v: 1,
            confirmedAt: undefined,
            standing: { ...standing, purchases: [] } as LedgerEntry["standing"],
          })),
        ),
      /has version 1, but the entry before it has version 2/,
    ],
  ])("verification finds a bad entry and does not throw: %s", async (_, chains, problem) => {
    const { ok, streams } = await verifyLedger(storeOf(chains()))
    const bad = streams.filter((verdict) => !verdict.ok)
    expect(ok).toBe(false)
    expect(bad).toEqual([expect.objectContaining({ problem: expect.stringMatching(problem) })])
  })

  it("verification reports entries of version 1 separately, because it does not fold them again", async () => {
    const { ok, streams } = await verifyLedger(storeOf(chainsOf(V1)))
    expect(ok).toBe(true)
    for (const verdict of streams)
      expect(verdict).toMatchObject({ ok: true, notFolded: (verdict as { entries: number }).entries })
  })

  it.each<[string, () => Chains | Promise<Chains>, RegExp]>([
    [
      "the newest entries of a supernode were cut off and stream fleet still names its purchase",
      () => cut(A, 2),
      /settles attempt \S+ as accepted, but supernode:a\S+ never opened it/,
    ],
    [
      "a whole supernode is missing",
      () => Object.fromEntries(Object.entries(real).filter(([name]) => name !== A)),
      /never opened it/,
    ],
    [
      "the entry with an outcome was cut off and stream fleet still names the outcome",
      () => cut(A, 1),
      /settles attempt \S+ as accepted, but \S+ records no outcome/,
    ],
    [
      "stream fleet was cut off before a reservation that was opened",
      () => cut("fleet", 2),
      /under caps across supernodes, but stream fleet has no reservation/,
    ],
    [
      "stream control was cut off before a pause that a supernode saw",
      () => cut("control", 2),
      /refers to the command pause of everything by ann/,
    ],
    [
      "stream control was cut off before a restore that a supernode saw",
      async () => {
        const { control = [], ...others } = await restoredLedger("ann")
        return { ...others, control: control.slice(0, -1) }
      },
      /refers to the command restored of everything by ann/,
    ],
  ])("verification without an anchor finds that %s", async (_, chains, problem) => {
    const { ok, across } = await verifyLedger(storeOf(await chains()))
    expect(ok).toBe(false)
    expect(across.map((one) => one.problem).join("\n")).toMatch(problem)
  })

  it("verification, also in Python, recognises a command whose author's name the state truncates", async () => {
    const chains = await restoredLedger("a\u{1f600}".repeat(50))
    expect(await verifyLedger(storeOf(chains))).toMatchObject({ ok: true, across: [] })
    if (hasPython) expect(judge(linesOf(chains))).toMatchObject({ ok: true, across: [] })
  })

  it("verification accepts a reservation whose run died before its attempt was opened", async () => {
    const reserved = { ...cut("fleet", 1), [B]: (real[B] ?? []).slice(0, -2) }
    expect(await verifyLedger(storeOf(reserved))).toMatchObject({ ok: true, across: [] })
  })

  it("verification names each stream that does not contain its anchored head, and an anchor of another ledger", async () => {
    const tails = { ...cut(B, 2), fleet: (real["fleet"] ?? []).slice(0, -2) }
    const found = await verifyLedger(storeOf(tails), anchor)
    expect(found.streams.every(({ ok }) => ok)).toBe(true)
    expect(found.anchor.map(({ stream }) => stream).sort()).toEqual(["fleet", B].sort())
    const other = await verifyLedger(storeOf(real), { ...anchor, ledger: "another" })
    expect(other.anchor).toEqual([
      { stream: null, problem: expect.stringMatching(/anchor belongs to another/) },
    ])
  })

  it.each([
    ["{", /is not JSON/],
    ["[]", /expected object/],
    [
      '{"v":1,"ledger":null,"at":1,"heads":{"control":{"seq":0,"hash":"x"}}}',
      /heads: control: seq.*\n.*sha256: and 64 hex/,
    ],
    ['{"v":2,"ledger":null,"at":1,"heads":{}}', /^v: /],
  ])("the malformed anchor %s is refused with a message", (text, problem) => {
    const parsed = parseAnchor(text)
    expect(parsed.ok ? "" : parsed.problems.join("\n")).toMatch(problem)
  })
})

describe("the verifier in Python", () => {
  const skipWithout = ({ skip }: TestContext) => (hasPython ? undefined : skip("python3 is not on the PATH"))

  it("the verifier in Python agrees with audit verify on everything that both can check", async (context) => {
    skipWithout(context)
    const swapped = (chain: LedgerEntry[]) => [
      ...chain.slice(0, 1),
      ...chain.slice(1, 3).reverse(),
      ...chain.slice(3),
    ]
    const cases: Record<string, Chains> = {
      honest: real,
      "version 1": chainsOf(V1),
      "a flipped byte": changed(A, ([one, ...others]) => [{ ...(one as LedgerEntry), at: 7 }, ...others]),
      "swapped entries": changed("fleet", swapped),
      "a removed entry": changed("fleet", (chain) => chain.toSpliced(1, 1)),
      "a cut tail": cut(A, 2),
      "a cut fleet": cut("fleet", 2),
      "a cut control": cut("control", 2),
      "a policy without its text": changed(A, (chain) => resealed(chain, 1, () => ({ policy: undefined }))),
      "version 1 after version 2": changed(A, (chain) =>
        resealed(chain, chain.length, () => ({ v: 1, confirmedAt: undefined })),
      ),
      "a version that is no number": changed(A, (chain) => resealed(chain, 1, () => ({ v: true }))),
    }
    for (const [name, chains] of Object.entries(cases)) {
      const against = name === "version 1" ? undefined : anchor
      const ours = await verifyLedger(storeOf(chains), against ?? null)
      const theirs = judge(linesOf(chains), against)
      expect([name, placesOf(theirs), theirs.code]).toEqual([name, placesOf(ours), ours.ok ? 0 : 1])
    }
  })

  it("the verifier in Python detects an emptied state that was sealed again only by an anchor", (context) => {
    skipWithout(context)
    const lines = linesOf(newestState(A, { purchases: [] }))
    expect(judge(lines).ok).toBe(true)
    expect(judge(lines, anchor).anchor).toMatchObject([{ stream: A }])
  })

  it("the verifier in Python writes numbers, strings and keys as RFC 8785 does", (context) => {
    skipWithout(context)
    const numbers = [
      0,
      -0,
      1,
      -1.5,
      1e20,
      1e21,
      1.5e21,
      123456789012345680000,
      1e-6,
      1.5e-6,
      1e-7,
      5e-324,
      1.7976931348623157e308,
      0.1 + 0.2,
      333333333.3333333,
      1700000000000.5,
      4.35,
      1e23,
      2 ** 53,
      2 ** 70,
      2 ** -20,
    ]
    let seed = 1
    for (let i = 0; i < 400; i++) {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      numbers.push((seed / 997) * 10 ** ((i % 60) - 30))
    }
    const texts = ["\ud800 alone", '\u007f\u0000\u001f\b\t"\\/', "€ 😀 ﬁ", "\u2028"]
    const values = [numbers, texts, { "😀": 1, ﬁ: 2, a: [], A: {}, "10": null, "9": true }]
    const input = values.map((value) => JSON.stringify(value)).join("\n")
    const { stdout } = spawnSync("python3", [script, "--canonical"], { input, encoding: "utf8" })
    expect(stdout.trimEnd().split("\n")).toEqual(values.map(canonicalText))
  })
})

/** Places of the problems without their texts, which differ between the verifiers. */
function placesOf({ ok, streams, across, anchor: anchored }: LedgerVerification): object {
  return {
    ok,
    streams: streams.map((one) => (one.ok ? `${one.stream} ${one.head}` : `${one.stream} bad at ${one.seq}`)),
    across: across.map(({ stream, seq }) => `${stream} ${seq}`).sort(),
    anchor: anchored.map(({ stream }) => stream).sort(),
  }
}

function chainsOf(lines: string): Chains {
  const entries = lines
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as LedgerEntry)
  return Object.fromEntries(
    [...new Set(entries.map((entry) => entry.stream))].map((name) => [
      name,
      entries.filter(({ stream }) => stream === name),
    ]),
  )
}

function linesOf(chains: Chains): string {
  return Object.values(chains)
    .flat()
    .map((entry) => `${entryText(entry)}\n`)
    .join("")
}
