import { generateKeyPairSync, hash, type KeyObject, sign } from "node:crypto"
import { describe, expect, it } from "vitest"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import { type Approval, type Control, NO_CONTROL } from "../../lib/decision/state/control.ts"
import { SIGNATURE_NAMESPACE, signedText } from "../../lib/decision/state/signed-text.ts"
import { withCheckedSignatures } from "../../lib/run/check-signatures.ts"
import { wireString } from "../../lib/ssh-signature/wire.ts"
import { DAY, HOUR, NOW, policyOf } from "../decision/builders.ts"

// The signatures of approvals as decisions see them: verified with the keys of the policy.

const ALGORITHM = "ssh-ed25519"
const keys = { ann: generateKeyPairSync("ed25519"), bob: generateKeyPairSync("ed25519") }
const textOf = (key: KeyObject) => {
  const bytes = Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url")
  return `${ALGORITHM} ${Buffer.concat([wireString(ALGORITHM), wireString(bytes)]).toString("base64")}`
}

const LEDGER = "1edfe000-0000-4000-8000-000000000001"
const EXPIRES = NOW + 4 * HOUR
const BARE: Approval = { planHash: "sha256:plan", by: "bob", at: NOW }

const POLICY = policyOf({ approval: { above: { amount: 1_000, currency: "CNY" }, expires: "4h" } })
const ANN = { name: "ann", key: textOf(keys.ann.publicKey) }
const BOB = { name: "bob", key: textOf(keys.bob.publicKey) }
const policyBy = (...approvers: Policy["approvers"][number][]): Policy => ({ ...POLICY, approvers })
const controlWith = (approval: Approval, id: string | null = LEDGER): Control => ({
  ...NO_CONTROL,
  approvals: [approval],
  ...(id === null ? {} : { ledger: { id, origin: "empty", at: NOW - DAY } }),
})

interface Signed {
  ledger?: string
  planHash?: string
  expires?: number
  approver?: string
  key?: keyof typeof keys
}

/** Bob's approval, signed over its own values or over other given ones. */
function signedBy({ key = "bob", ...over }: Signed = {}): Approval {
  const about = { ledger: LEDGER, planHash: BARE.planHash, expires: EXPIRES, approver: "bob", ...over }
  const digest = hash("sha512", signedText({ kind: "approval", ...about }), "buffer")
  const parts = [SIGNATURE_NAMESPACE, "", "sha512", digest].map(wireString)
  const bytes = sign(null, Buffer.concat([Buffer.from("SSHSIG"), ...parts]), keys[key].privateKey)
  const value = Buffer.concat([wireString(ALGORITHM), wireString(bytes)]).toString("base64")
  return { ...BARE, expires: EXPIRES, signature: { hash: "sha512", value } }
}

describe("a signature of an approval", () => {
  it.each<[string, Approval, Policy?]>([
    ["the key of its approver made it", signedBy()],
    ["the approver spelled the name in another case", { ...signedBy(), by: " BOB" }],
    [
      "the policy spells the name in another case",
      signedBy({ approver: "Bob" }),
      policyBy({ ...BOB, name: "Bob" }),
    ],
  ])("an approval's signature counts if %s", (_, approval, policy = policyBy(ANN, BOB)) => {
    expect(withCheckedSignatures(controlWith(approval), policy).approvals).toEqual([
      { ...BARE, by: approval.by, expires: EXPIRES, isSigned: true },
    ])
  })

  it.each<[string, Approval, { policy?: Policy; id?: string | null }?]>([
    ["the key of another approver made it", signedBy({ key: "ann" })],
    ["it names another approver", signedBy({ approver: "ann" })],
    ["it was made for another plan", signedBy({ planHash: "sha256:other" })],
    ["it was made for another expiry", signedBy({ expires: EXPIRES + 1 })],
    ["it was made for another ledger", signedBy(), { id: "2edfe000-0000-4000-8000-000000000001" }],
    ["the ledger has no id", signedBy({ ledger: String(null) }), { id: null }],
    ["the policy does not list its approver", signedBy(), { policy: policyBy(ANN) }],
    ["the policy lists its approver without a key", signedBy(), { policy: policyBy(ANN, { name: "bob" }) }],
    ["the policy requires no approval", signedBy(), { policy: { ...policyBy(ANN, BOB), approval: null } }],
    ["its expiry is not a valid time", { ...signedBy(), expires: 9e15 }],
    ["its bytes are not a signature", { ...signedBy(), signature: { hash: "sha512", value: "AAAA" } }],
  ])(
    "an approval's signature does not count if %s",
    (_, approval, { policy = policyBy(ANN, BOB), id = LEDGER } = {}) => {
      expect(withCheckedSignatures(controlWith(approval, id), policy).approvals).toEqual([
        { ...BARE, expires: approval.expires, isSigned: false },
      ])
    },
  )
})

it.each<[string, Approval]>([
  ["no signature", { ...BARE, expires: EXPIRES }],
  ["a signature but no expiry", { ...BARE, signature: { hash: "sha512", value: "AAAA" } }],
  [
    "no signature, though the ledger claims that one was verified,",
    { ...BARE, expires: EXPIRES, isSigned: true },
  ],
])("an approval with %s is read as unsigned", (_, approval) => {
  expect(withCheckedSignatures(controlWith(approval), policyOf()).approvals).toEqual([BARE])
})
