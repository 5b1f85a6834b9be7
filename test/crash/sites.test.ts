import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { POINTS } from "./points.ts"
import { CORRIDOR, factsOf, isPort } from "./sites.ts"

const LIB = new URL("../../lib/", import.meta.url)
const sources = CORRIDOR.map((file) => ({ file, facts: factsOf(readFileSync(new URL(file, LIB), "utf8")) }))
const functions = new Set(sources.flatMap(({ facts }) => facts.functions))

/** `settle ledger.append:settled` without the parts that only a run knows. */
const enumerated = [...new Set(Object.keys(POINTS).map((point) => point.split(":")[0]))].sort()

describe("the sources of a run", () => {
  it("the source code of a run calls exactly the ports that the crash tests list", () => {
    // Two calls in one function would have the same name, so they need separate functions.
    const asked = sources.flatMap(({ facts }) => facts.sites).sort()
    expect(
      asked,
      "an I/O was added, moved or removed: change POINTS in test/crash/points.ts, and see that a kind of run in kinds.ts reaches it",
    ).toEqual(enumerated)
  })

  it("the functions of a run await only calls of ports and of each other", () => {
    const unknown = sources.flatMap(({ file, facts }) =>
      facts.awaits
        .filter(({ what }) => !isPort(what) && !functions.has(what) && what !== "Promise.all")
        .map(({ where, what, line }) => `lib/${file}:${line} ${where} awaits ${what}`),
    )
    expect(
      unknown,
      "a run may end at any await: let it wait for a port (lib/ports.ts), which test/crash then breaks in every way",
    ).toEqual([])
  })

  it("the source code of a run has no way to wait or to reach the outside except its ports", () => {
    expect(
      sources.flatMap(({ file, facts }) => facts.strangers.map((what) => `lib/${file} ${what}`)),
    ).toEqual([])
  })

  it.each(["ledger/next-entry.ts", "run/result.ts", "digest.ts"])(
    "lib/%s, which a run calls, contains no await and no call of a port",
    (file) => {
      const { awaits, sites } = factsOf(readFileSync(new URL(file, LIB), "utf8"))
      expect({ awaits, sites }).toEqual({ awaits: [], sites: [] })
    },
  )
})

describe("the reader of sources", () => {
  it.each([
    [
      "a new port call",
      "async function note() { await ports.ledger.streams() }",
      { sites: ["note ledger.streams"] },
    ],
    [
      "a port call that is not awaited",
      "function note() { return ports.clock.wait(1) }",
      { sites: ["note clock.wait"] },
    ],
    ["a call of a notifier", "async function x() { return notify.send(y) }", { sites: ["x notify.send"] }],
    ["a timer", "async function x() { setTimeout(y, 1) }", { strangers: ["x: setTimeout"] }],
    ["a new Promise", "async function x() { await new Promise(y) }", { strangers: ["x: Promise"] }],
    [
      "a module of Node.js",
      'import { readFile } from "node:fs/promises"',
      { strangers: ["import of node:fs/promises"] },
    ],
    ["ports under another name", "function x() { const { cloud } = ports }", { strangers: ["x: = ports"] }],
    ["a promise that is chained", "function x() { y().then(z) }", { strangers: ["x: .then"] }],
  ])("the crash tests' scan of the source code finds %s", (_what, source, found) => {
    expect(factsOf(source)).toMatchObject(found)
  })

  it("the crash tests' scan of the source code finds every await, and reports its line", () => {
    expect(factsOf("async function x() {\n  if ((await delay(5)) > 1) return\n}").awaits).toEqual([
      { where: "x", what: "delay", line: 2 },
    ])
  })
})
