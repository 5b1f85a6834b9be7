import { afterAll, beforeEach, describe, expect, it } from "vitest"
import { decide } from "../../lib/decision/decide.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import type { Situation } from "../../lib/decision/situation.ts"
import { signedText } from "../../lib/decision/state/signed-text.ts"
import { digest } from "../../lib/digest.ts"
import { sealEntry } from "../../lib/ledger/entry.ts"
import { CONTROL_STREAM, controlOf, stateOf, supernodeStream } from "../../lib/ledger/next-entry.ts"
import type { RunResult } from "../../lib/run/result.ts"
import { readSignatureFile } from "../../lib/ssh-signature/armor.ts"
import { HOUR, policyOf, SECOND, tickOf } from "../decision/builders.ts"
import { LEDGER_ID } from "../ledger/initialised.ts"
import { hasSshKeygen, type Key, keyRing } from "../ssh-signature/ssh-keygen.ts"
import { entriesOf } from "../world/entries.ts"
import { World } from "./world.ts"

// For signatures in the ledger, a run trusts only the keys of its own policy.

const ring = keyRing()
afterAll(ring.remove)
let world: World
beforeEach(async () => {
  world = await World.open()
})

const bare = (key: Key) => key.text.split(" ").slice(0, 2).join(" ")
const policyBy = (name: string): Policy => ({
  ...policyOf({ approval: { above: { amount: 1_000, currency: "CNY" }, expires: "4h" } }),
  approvers: [{ name: "ann", key: bare(ring.key(name)) }],
})
const tick = (policy: Policy): Promise<RunResult> =>
  world.run(tickOf({ id: world.newId(), at: world.now }), { policy })

interface Over {
  ledger?: string
  key?: string
}

/** Writes Ann's approval of the waiting plan directly into the ledger, valid for four hours. */
async function approve(planHash: string, { ledger = LEDGER_ID, key = "ann" }: Over = {}): Promise<void> {
  const expires = world.now + 4 * HOUR
  const text = signedText({ kind: "approval", ledger, planHash, expires, approver: "ann" })
  const { hash, value } = readSignatureFile(ring.key(key).sign(text))
  await world.say({ verb: "approve", planHash, by: "ann", expires, signature: { hash, value, key: "" } })
}

const head = () => world.ledger.head(supernodeStream(policyBy("ann").id))
const waiting = async (): Promise<string> => (await tick(policyBy("ann"))).plan?.hash ?? ""

describe.skipIf(!hasSshKeygen)("a run with a signed approval", () => {
  it("buys with a signed approval, and a replay of the attempt's entry without the signature decides the same", async () => {
    await approve(await waiting())
    const before = await head()
    expect((await tick(policyBy("ann"))).outcome).toMatchObject({ kind: "accepted" })
    const entries = await entriesOf(world.ledger, supernodeStream(policyBy("ann").id))
    const opened = entries.find(({ kind }) => kind === "opened")
    const situation = {
      ...opened?.situation,
      state: stateOf(before),
      policy: policyBy("ann"),
    } as Situation
    expect(decide(situation, digest)).toMatchObject({ kind: "scale-up" })
    expect(JSON.stringify(opened?.situation?.control)).not.toContain("signature")
  })

  it.each<[string, Over, string]>([
    ["the policy lists another key by now", {}, "new"],
    ["another key made the signature", { key: "eve" }, "ann"],
    ["the signature was made for another ledger", { ledger: "2edfe000-0000-4000-8000-000000000001" }, "ann"],
  ])("holds despite a signed approval if %s", async (_, over, listed) => {
    await approve(await waiting(), over)
    const { decision } = await tick(policyBy(listed))
    expect(decision.findings.find(({ gate }) => gate === "approved")?.says).toMatch(
      /0 are valid; not counted: 1 without a valid signature$/,
    )
    expect(world.orders).toEqual([])
  })

  it("holds if only the ledger's state claims that a signature was verified", async () => {
    const planHash = await waiting()
    const control = await world.ledger.head(CONTROL_STREAM)
    const approvals = [{ planHash, by: "ann", at: world.now, expires: world.now + HOUR, isSigned: true }]
    await world.ledger.append(
      sealEntry({
        stream: CONTROL_STREAM,
        seq: (control?.seq ?? 0) + 1,
        prev: control?.hash ?? "",
        at: world.now,
        run: "forged",
        writer: "forged",
        kind: "said",
        mode: "live",
        standing: { ...controlOf(control), approvals },
      }),
    )
    expect((await tick(policyBy("ann"))).decision.heldBy).toBe("approval-needed")
  })

  it("sends no order if the signed approval expires between the decision and the request", async () => {
    await approve(await waiting())
    world.now += 4 * HOUR - SECOND
    world.interference.beforeAppend = async ({ kind }) => {
      if (kind === "opened") world.now += 2 * SECOND
      return undefined
    }
    expect((await tick(policyBy("ann"))).outcome).toMatchObject({
      kind: "not-sent",
      reason: "approval-needed",
    })
    expect(world.orders).toEqual([])
  })

  it("sends no order if the signed approval is gone from the ledger right before the request", async () => {
    await approve(await waiting())
    world.interference.beforeAppend = async ({ kind }) => {
      if (kind === "opened") await world.say({ verb: "restored", why: "backup", by: "ops" })
      return undefined
    }
    expect((await tick(policyBy("ann"))).outcome).toMatchObject({ kind: "not-sent" })
    expect(world.orders).toEqual([])
  })
})
