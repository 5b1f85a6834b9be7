import type { IncomingMessage } from "node:http"
import { describe, expect, it } from "vitest"
import { foldControl, type OperatorCommand } from "../../lib/decision/state/control.ts"
import { sealEntry } from "../../lib/ledger/entry.ts"
import { CONTROL_STREAM, controlOf } from "../../lib/ledger/next-entry.ts"
import { httpForTest } from "../world/loopback-for-test.ts"
import { settingsOfCloud } from "../world/settings.ts"
import { type CliFixture, cliFixture, ID, POLICY, START } from "./harness.ts"

// Text of a cloud, an alert and a person, as the commands print it. Each text tries to hide the text after
// it, to begin its own line, to reverse the reading order, and to use colours.

const HOSTILE =
  "a\u001b[8mb\nFORGED: all is well\r\nFORGED again\u202ec\u009b2Jd\u200be\u007ff\u2028FORGED\u001b[31mg"

/** A response of the cloud: status and body. An object is sent as JSON. */
type Answer = [status: number, body: unknown]

interface World {
  supernode: Answer
  offers: Answer
  order: Answer
}

const FLAVORS = ["kat3ne-16-400t.96xlarge.8.matrix", "kat3ne-32-800t.192xlarge.8.matrix"]
const refused = (status: number): Answer => [status, { error_code: HOSTILE, error_msg: HOSTILE }]
const supernode = (change: object = {}): Answer => [
  200,
  {
    id: ID,
    name: HOSTILE,
    status: "ACTIVE",
    servers: ["s1", "s2"].map((id) => ({
      id,
      name: HOSTILE,
      status: "RUNNING",
      flavor: HOSTILE,
      order_id: HOSTILE,
      create_at: START - 30 * 86_400_000,
      ...change,
    })),
  },
]
const WELL: World = {
  supernode: supernode(),
  offers: [
    200,
    { evaluations: [HOSTILE, ...FLAVORS].map((flavor) => ({ flavor, is_sold_out: false, note: HOSTILE })) },
  ],
  order: [200, { id: ID, order_id: HOSTILE, servers: [{ id: "s3", name: HOSTILE, order_id: HOSTILE }] }],
}

/** A command line with a cloud that gives these responses. Both share a clock. */
async function fixtureBefore(world: Partial<World>): Promise<CliFixture> {
  const answers = { ...WELL, ...world }
  const answerTo = ({ url = "", method }: IncomingMessage): Answer => {
    if (method === "POST") return url.endsWith("/live-scale-up") ? answers.order : refused(400)
    return url.endsWith("/scale-evaluations") ? answers.offers : answers.supernode
  }
  const url = await httpForTest((request, response) => {
    const [status, body] = answerTo(request)
    const text = typeof body === "string" ? body : JSON.stringify(body)
    request.resume().once("end", () => {
      response.writeHead(status, { date: new Date(START).toUTCString() }).end(text)
    })
  })
  const own = cliFixture(POLICY)
  Object.assign(own.env, settingsOfCloud(url))
  return own
}

/** Appends a pause as a release would that did not clean text. */
async function sayUncleaned(own: CliFixture): Promise<void> {
  await own.ledger(async (ledger) => {
    const head = await ledger.head(CONTROL_STREAM)
    const said: OperatorCommand = { verb: "pause", supernode: null, until: null, why: HOSTILE, by: HOSTILE }
    await ledger.append(
      sealEntry({
        stream: CONTROL_STREAM,
        seq: (head?.seq ?? 0) + 1,
        prev: head?.hash ?? "",
        at: START,
        run: "r",
        writer: "w",
        kind: "said",
        mode: "live",
        said,
        standing: foldControl(controlOf(head), said, START),
      }),
    )
  })
}

/** The colours that our own printers write. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a colour begins with one
const OURS = /\u001b\[(?:1|2|22|31|32|33|39)m/g

function expectHarmless(what: string, text: string): void {
  expect([what, text.includes("\u001b[31mg")]).toEqual([what, false])
  const plain = text.replace(OURS, "")
  expect([what, /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Cf}\p{Default_Ignorable_Code_Point}]/u.exec(plain)]).toEqual([
    what,
    null,
  ])
  expect([what, plain.split("\n").filter((line) => line.startsWith("FORGED"))]).toEqual([what, []])
}

const NO_PLAN = `sha256:${"0".repeat(64)}`
const REQUEST = {
  supernode: "train-a",
  mode: "live",
  servers: 4,
  requestedBy: HOSTILE,
  why: HOSTILE,
}

describe("hostile text of a cloud, an alert or a person", () => {
  it.each<[string, Partial<World>, RegExp]>([
    ["in an accepted order, its ids and its servers", {}, /ACCEPTED/],
    [
      "in a refusal that is listed",
      { order: [400, { error_code: "ModelArts.6716", error_msg: HOSTILE }] },
      /refused \(capacity\).*FORGED/,
    ],
    ["in a refusal that is not listed", { order: refused(400) }, /UNKNOWN/],
    ["in a response that is not JSON", { order: [500, HOSTILE] }, /UNKNOWN/],
    ["in a server's status", { supernode: supernode({ status: HOSTILE }) }, /supernode-not-ready/],
    ["in a server's id", { supernode: supernode({ id: HOSTILE }) }, /supernode-unreadable/],
    ["in the error of a read", { supernode: refused(403) }, /credentials.*FORGED/s],
    ["in the error of the offers", { offers: refused(400) }, /offers-unreadable.*FORGED/s],
  ])("hostile text forges no printed line and controls no terminal: %s", async (_title, world, says) => {
    const own = await fixtureBefore(world)
    const planned = await own.run("dry-run", "train-a", "--servers", "4", "--json")
    const [, planHash = NO_PLAN] = /"hash": "(sha256:[0-9a-f]{64})"/.exec(planned.out) ?? []
    const event = own.file("request.json", { ...REQUEST, planHash })
    const ran = await own.runWith({ isTerminal: true }, "run", "--event", event)
    expect(`${ran.out}${ran.err}`).toMatch(says)
    await own.run("hold", "train-a", "--until", "2h", "--by", HOSTILE, "--why", HOSTILE)
    const count = await own.ledger(async (ledger) => (await ledger.head(`supernode:${ID}`))?.seq ?? 0)
    const entries = Array.from({ length: count }, (_, i) => ["audit", "show", "train-a", String(i + 1)])
    await sayUncleaned(own)
    for (const argv of [
      ["run", "--event", event],
      ["status"],
      ["audit", "list"],
      ...entries,
      ["audit", "show", "control", "3"],
      // These commands only read, so a changed response to orders does not reach them.
      ...("order" in world
        ? []
        : [["doctor"], ["dry-run", "train-a", "--servers", "4", "--by", HOSTILE, "--why", HOSTILE]]),
    ]) {
      const { out, err } = await own.runWith({ isTerminal: argv[0] !== "doctor" }, ...argv)
      expectHarmless(argv.slice(0, 4).join(" "), `${out}${err}`)
    }
    expectHarmless("run", `${ran.out}${ran.err}`)
  })
})
