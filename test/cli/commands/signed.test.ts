import { spawnSync } from "node:child_process"
import { afterAll, describe, expect, it, onTestFinished } from "vitest"
import { CONTROL_STREAM, controlOf } from "../../../lib/ledger/next-entry.ts"
import { LEDGER_ID } from "../../ledger/initialised.ts"
import { hasSshKeygen, keyRing } from "../../ssh-signature/ssh-keygen.ts"
import { bytes, type CloudFixture, cloudFixture, ID, MINUTE, POLICY, START, STREAM } from "../harness.ts"

// Commands that allow further purchases, for approvers with keys: from the text to sign to the order.

const ring = keyRing()
afterAll(ring.remove)

const ALARM = "test/events/functiongraph-smn-cloud-eye-alarm.json"
const HOUR = 60 * MINUTE
const ENDS = "2024-01-12T20:52:00.000Z"
const policyWith = (...people: string[]) =>
  `${POLICY}    approval: { above: { amount: 1000, currency: CNY }, approvers: ${people.length === 1 ? 1 : 2}, expires: 4h }\napprovers: [ ${people.join(", ")} ]\n`
const withKey = (name: string) => `{ name: ${name}, key: "${ring.key(name).text}" }`
const textOf = (hash: string, over: { ledger?: string; expires?: string; approver?: string } = {}) =>
  `supernode-autoscaler approval v1\nledger: ${over.ledger ?? LEDGER_ID}\nplan: ${hash}\nexpires: ${over.expires ?? ENDS}\napprover: ${over.approver ?? "ann"}\n`

interface Waiting {
  own: CloudFixture
  hash: string
  /** Advances the clock, and sends a tick of that time. */
  tick(minutes?: number): ReturnType<CloudFixture["run"]>
}

/** A command line on which an alarm's plan waits for approval, with that plan's hash. */
async function waiting(...people: string[]): Promise<Waiting> {
  const own = await cloudFixture({}, policyWith(...(people.length > 0 ? people : [withKey("ann")])))
  await own.run("run", "--event", ALARM)
  const hash = await own.ledger(async (ledger) => (await ledger.head(STREAM))?.plan?.hash)
  let passed = 0
  const tick = (minutes = 1) => {
    own.advance(minutes * MINUTE)
    passed += minutes
    const time = new Date(START + passed * MINUTE).toISOString()
    return own.run("run", "--event", own.file("tick.json", { kind: "tick", time }))
  }
  return { own, hash: hash ?? "", tick }
}

const control = (own: CloudFixture) => own.ledger((ledger) => ledger.head(CONTROL_STREAM))

describe.skipIf(!hasSshKeygen)("approve with a key in the policy", () => {
  it("approve without a key prints the text to sign and writes nothing; with its signature, the next tick buys", async () => {
    const { own, hash, tick } = await waiting()
    const asked = await own.run("approve", hash, "--by", "Ann")
    expect([asked.code, asked.err]).toEqual([1, expect.stringContaining("approve by ann needs a signature")])
    expect(asked.out).toContain(textOf(hash).trimEnd().replaceAll(/^/gm, "  "))
    expect((await control(own))?.said?.verb).toBe("init")

    const command = /^ {2}(printf .*)$/m.exec(asked.out)?.[1] ?? ""
    expect(command).toContain("| ssh-keygen -Y sign -n supernode-autoscaler -f KEY > FILE")
    const signature = own.file("sig", "")
    const shell = command.replace("KEY", ring.key("ann").path).replace("FILE", signature)
    expect(spawnSync("sh", ["-c", shell]).status).toBe(0)
    const given = await own.run("approve", hash, "--by", "ann", "--signature", signature)
    expect([given.code, given.err]).toEqual([0, ""])
    expect(given.out).toContain(
      "approved by ann: 1 of 1 needed\nthe first of these expires 2024-01-12 20:52:00 +00:00",
    )
    expect((await tick()).out).toMatch(/^train-a: bought from 2 to 4 servers/)
    expect((await own.run("audit", "verify")).code).toBe(0)
    expect((await own.run("audit", "list", "control")).out).toContain(`approve ${hash}, by ann (signed)`)
  })

  it("approve signs with a private key or an agent, or reads a signature from stdin, and records the signature", async () => {
    const { own, hash } = await waiting()
    const { code, json } = await own.run(
      "approve",
      hash,
      "--by",
      "ann",
      "--key",
      ring.key("ann").path,
      "--json",
    )
    expect(code).toBe(0)
    const key = ring.key("ann").text.split(" ").slice(0, 2).join(" ")
    expect(json()).toMatchObject({
      said: {
        by: "ann",
        expires: Date.parse(ENDS),
        signature: { key, hash: "sha512", value: expect.any(String) },
      },
    })
    const stdin = bytes(ring.key("ann").sign(textOf(hash)))
    const piped = await own.runWith(
      { stdin, env: own.env },
      "approve",
      hash,
      "--by",
      "ann",
      "--signature",
      "-",
    )
    expect(piped.code).toBe(0)
    const agent = agentWith(ring.key("ann").path)
    own.env["SSH_AUTH_SOCK"] = agent.socket
    const byAgent = await own.run("approve", hash, "--by", "ann", "--key", `${agent.publicKey}`)
    expect([byAgent.code, byAgent.err]).toEqual([0, ""])
  })

  it("approve refuses a signature of another text, key or namespace, exits 1 and writes nothing", async () => {
    const { own, hash } = await waiting(withKey("ann"), withKey("bob"))
    const cases: [string, string, RegExp][] = [
      [
        "another namespace",
        ring.key("ann").sign(textOf(hash), { namespace: "git" }),
        /made for namespace "git"/,
      ],
      [
        "another approver's key",
        ring.key("bob").sign(textOf(hash)),
        /made with key SHA256:\S+, but the policy lists SHA256:\S+ for ann/,
      ],
      ["another ledger", ring.key("ann").sign(textOf(hash, { ledger: "other" })), /does not sign the text/],
      ["another plan", ring.key("ann").sign(textOf(hash.replace(/.$/, "x"))), /does not sign the text/],
      [
        "a later end",
        ring.key("ann").sign(textOf(hash, { expires: "2025-01-01T00:00:00.000Z" })),
        /does not sign the text/,
      ],
      [
        "another approver's name",
        ring.key("ann").sign(textOf(hash, { approver: "bob" })),
        /does not sign the text/,
      ],
      ["no signature at all", "\u0000\u0001garbage", /not a signature of ssh-keygen/],
    ]
    for (const [what, signature, says] of cases) {
      const { code, err } = await own.run(
        "approve",
        hash,
        "--by",
        "ann",
        "--signature",
        own.file("sig", signature),
      )
      expect([what, code, err]).toEqual([what, 1, expect.stringMatching(says)])
    }
    expect((await control(own))?.said?.verb).toBe("init")
  })

  it("approve refuses a signature that has expired, and a signature for a plan that was already bought", async () => {
    const { own, hash, tick } = await waiting()
    const file = own.file("sig", ring.key("ann").sign(textOf(hash)))
    expect((await own.run("approve", hash, "--by", "ann", "--signature", file)).code).toBe(0)
    expect((await tick()).out).toMatch(/^train-a: bought/)
    const again = await own.run("approve", hash, "--by", "ann", "--signature", file)
    expect([again.code, again.err]).toEqual([
      1,
      expect.stringContaining("no recent run recorded that this plan waits"),
    ])

    const late = await waiting()
    late.own.advance(4 * HOUR)
    const over = await late.own.run("approve", late.hash, "--by", "ann", "--signature", file)
    expect([over.code, over.err]).toEqual([1, expect.stringContaining("its text expired")])
  })

  it("a tick renews a waiting plan after half of approval.expires, and approve prints the new expiry to sign", async () => {
    const { own, hash, tick } = await waiting()
    await tick(119)
    await tick(1)
    own.advance(3 * HOUR)
    const { out } = await own.run("approve", hash, "--by", "ann")
    expect(out).toContain("  expires: 2024-01-12T22:52:00.000Z")
  })

  it("a tick does not count a signed approval if the policy now lists another key for the approver", async () => {
    const { own, hash, tick } = await waiting()
    await own.run("approve", hash, "--by", "ann", "--key", ring.key("ann").path)
    own.env["SUPERNODE_POLICY"] = own.file(
      "changed.yaml",
      policyWith(withKey("ann")).replace(ring.key("ann").text, ring.key("new").text),
    )
    expect((await tick()).out).toMatch(
      /held \(approval-needed\).*, 0 are valid; not counted: 1 without a valid signature/s,
    )
    expect(own.sandbox.scaleUps).toHaveLength(0)
  })

  it("approve requires no signature of an approver without a key, and accepts none", async () => {
    const { own, hash } = await waiting(withKey("ann"), "{ name: bob }")
    expect((await own.run("approve", hash, "--by", "bob")).code).toBe(0)
    const refused = await own.run("approve", hash, "--by", "bob", "--key", ring.key("ann").path)
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("lists no key for bob")])
  })
})

describe.skipIf(!hasSshKeygen)("other commands that allow further purchases, with an approver's key", () => {
  const WORDS = ["--why", "console compared", "--by"]
  /** Tries the command unsigned, signed by a stranger, signed, and with the same signature again. */
  async function needsSignature(own: CloudFixture, ...command: string[]): Promise<string> {
    const bare = await own.run(...command, ...WORDS, "ann")
    expect([bare.code, bare.err]).toEqual([1, expect.stringContaining("by ann needs a signature")])
    const stranger = await own.run(...command, ...WORDS, "eve", "--key", ring.key("ann").path)
    expect([stranger.code, stranger.err]).toEqual([1, expect.stringContaining("Approvers with keys: ann")])
    const text = [...bare.out.matchAll(/^ {2}((?:supernode-autoscaler|[a-z]+:) .*)$/gm)]
      .map(([, line]) => `${line}\n`)
      .join("")
    const file = own.file("sig", ring.key("ann").sign(text))
    const signed = await own.run(...command, ...WORDS, "ann", "--signature", file)
    expect([signed.code, signed.err]).toEqual([0, ""])
    const again = await own.run(...command, ...WORDS, "ann", "--signature", file)
    expect(again.code).toBe(1)
    return text
  }

  it("ledger confirm requires an approver's signature for each restore", async () => {
    const { own } = await waiting()
    await own.run("ledger", "restored", ...WORDS, "ann")
    expect(await needsSignature(own, "ledger", "confirm", "train-a")).toBe(
      `supernode-autoscaler ledger-confirm v1\nledger: ${LEDGER_ID}\nsupernode: ${ID}\nrestored: 2024-01-12T16:52:00.000Z\napprover: ann\n`,
    )
    const state = controlOf(await control(own))
    expect(state.restored?.confirmed).toEqual([ID])
  })

  it("reset requires an approver's signature for the state that it clears", async () => {
    const { own } = await waiting()
    expect(await needsSignature(own, "reset", "train-a")).toMatch(
      new RegExp(
        `^supernode-autoscaler reset v1\nledger: ${LEDGER_ID}\nsupernode: ${ID}\nstate: sha256:[0-9a-f]{64}\napprover: ann\n$`,
      ),
    )
    // Even a broken policy file does not avoid the signature: the chain recorded which approvers have keys.
    own.env["SUPERNODE_POLICY"] = own.file("broken.yaml", "version: [")
    const broken = await own.run("reset", ID, ...WORDS, "ann")
    expect([broken.code, broken.err]).toEqual([1, expect.stringContaining("needs a signature")])
  })

  it("settle requires an approver's signature for --as absent only, and for exactly that attempt", async () => {
    const { own, hash, tick } = await waiting()
    await own.run("approve", hash, "--by", "ann", "--key", ring.key("ann").path)
    own.sandbox.failNext("scale-up", { reset: "before-effect" })
    await tick()
    own.advance(10 * MINUTE)
    await tick()
    const accepted = await own.run("settle", "train-a", "--as", "accepted", ...WORDS, "ann", "--key", "x")
    expect([accepted.code, accepted.err]).toEqual([1, expect.stringContaining("are for --as absent")])
    expect(await needsSignature(own, "settle", "train-a", "--as", "absent")).toMatch(
      /^supernode-autoscaler settle v1\nledger: .*\nsupernode: .*\nattempt: .*\nas: absent\napprover: ann\n$/,
    )
    expect((await own.run("audit", "verify")).code).toBe(0)
  })
})

/** A running ssh-agent with one key, and a public key file. Only the agent holds the private half. */
function agentWith(path: string): { socket: string; publicKey: string } {
  const started = spawnSync("ssh-agent", ["-s"], { encoding: "utf8" }).stdout
  const socket = /SSH_AUTH_SOCK=([^;]+)/.exec(started)?.[1] ?? ""
  const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(started)?.[1])
  onTestFinished(() => void process.kill(pid))
  const added = spawnSync("ssh-add", ["-q", path], { env: { SSH_AUTH_SOCK: socket } })
  if (added.status !== 0) throw new Error(String(added.stderr))
  const publicKey = `${path}.agent.pub`
  spawnSync("cp", [`${path}.pub`, publicKey])
  return { socket, publicKey }
}
