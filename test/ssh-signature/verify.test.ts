import { createPrivateKey, hash, sign as signBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import * as fc from "fast-check"
import { afterAll, describe, expect, it } from "vitest"
import { SIGNATURE_NAMESPACE } from "../../lib/decision/state/signed-text.ts"
import { readSignatureFile } from "../../lib/ssh-signature/armor.ts"
import { readPublicKey } from "../../lib/ssh-signature/public-key.ts"
import { isSignedBy, type KeptSignature } from "../../lib/ssh-signature/verify.ts"
import { WireError, wireString } from "../../lib/ssh-signature/wire.ts"
import { hasSshKeygen, type Key, keyRing } from "./ssh-keygen.ts"

const ring = keyRing()
afterAll(ring.remove)

const TEXT = "supernode-autoscaler approval v1\nledger: 1\n"
const bare = (key: Key) => key.text.split(" ").slice(0, 2).join(" ")
const verifies = (key: Key, signature: KeptSignature, text = TEXT) =>
  isSignedBy({ text, namespace: SIGNATURE_NAMESPACE, key: bare(key), signature })

const TYPES: [string, string, number | undefined][] = [
  ["ed25519", "ed25519", undefined],
  ["ECDSA on nistp256", "ecdsa", 256],
  ["ECDSA on nistp384", "ecdsa", 384],
  ["ECDSA on nistp521", "ecdsa", 521],
  ["RSA of 2048 bits", "rsa", 2048],
]

describe.skipIf(!hasSshKeygen)("a signature by ssh-keygen", () => {
  it.each(TYPES)(
    "an ssh-keygen signature with %s verifies only with its own key, text, hash and namespace",
    (name, type, bits) => {
      const key = ring.key(name.replaceAll(" ", "-"), type, bits)
      for (const hashName of ["sha256", "sha512"] as const) {
        const file = readSignatureFile(key.sign(TEXT, { hash: hashName }))
        expect(file).toMatchObject({ key: bare(key), namespace: SIGNATURE_NAMESPACE, hash: hashName })
        expect(verifies(key, file)).toBe(true)
        expect(verifies(key, file, `${TEXT} `)).toBe(false)
        expect(verifies(ring.key("other"), file)).toBe(false)
        // The name of the hash is part of the signed data.
        expect(verifies(key, { ...file, hash: hashName === "sha256" ? "sha512" : "sha256" })).toBe(false)
        expect(verifies(key, { ...file, hash: "sha1" })).toBe(false)
      }
      const elsewhere = readSignatureFile(key.sign(TEXT, { namespace: "git" }))
      expect(elsewhere.namespace).toBe("git")
      expect(verifies(key, elsewhere)).toBe(false)
    },
  )

  it("an RSA signature with SHA-1 does not verify, even if it is mathematically valid", () => {
    const key = ring.key("RSA-of-2048-bits", "rsa", 2048)
    const parts = [SIGNATURE_NAMESPACE, "", "sha512", hash("sha512", TEXT, "buffer")].map(wireString)
    const data = Buffer.concat([Buffer.from("SSHSIG"), ...parts])
    const signed = (name: string, digest: string): KeptSignature => {
      const bytes = signBytes(digest, data, pemOf(key))
      const value = Buffer.concat([wireString(name), wireString(bytes)])
      return { hash: "sha512", value: value.toString("base64") }
    }
    expect(verifies(key, signed("rsa-sha2-256", "sha256"))).toBe(true)
    expect(verifies(key, signed("ssh-rsa", "sha1"))).toBe(false)
    expect(verifies(key, signed("rsa-sha2-256", "sha1"))).toBe(false)
    expect(verifies(key, signed("rsa-sha2-512", "sha256"))).toBe(false)
  })

  it("a signature with any byte changed, cut off or added does not verify, and never crashes the reader", () => {
    const key = ring.key("ed25519")
    const good = key.sign(TEXT)
    const blob = Buffer.from(good.split("\n").slice(1, -2).join(""), "base64")
    expect(counts(key, armored(blob))).toBe(true)
    for (let i = 0; i < blob.length; i++) {
      expect(counts(key, armored(blob.subarray(0, i)))).toBe(false)
      const changed = Buffer.from(blob)
      changed[i] = (changed[i] ?? 0) ^ 1
      expect(counts(key, armored(changed))).toBe(false)
    }
    expect(counts(key, armored(Buffer.concat([blob, Buffer.of(0)])))).toBe(false)
    expect(counts(key, `x${good}`)).toBe(false)
    expect(counts(key, good.replace("U1NIU0lH", "U1NIU0l="))).toBe(false)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => !counts(key, armored(Buffer.from(bytes)))),
    )
    expect(() => readSignatureFile("A".repeat(1_000_000))).toThrow(/larger than 16 KB/)
  })

  it("a signature file is read with Windows line ends, which mail and clipboards can add", () => {
    const key = ring.key("ed25519")
    expect(counts(key, key.sign(TEXT).replaceAll("\n", "\r\n"))).toBe(true)
  })
})

describe("an invalid public key", () => {
  const point = (bytes: number) => Buffer.concat([Buffer.of(4), Buffer.alloc(bytes * 2, 7)])
  const text = (type: string, ...fields: (Buffer | string)[]) =>
    `${type} ${Buffer.concat([type, ...fields].map(wireString)).toString("base64")}`
  it.each([
    ["of DSA", text("ssh-dss", Buffer.alloc(64, 1))],
    ["whose bytes name another type", text("ssh-rsa", Buffer.alloc(32)).replace("ssh-rsa", "ssh-ed25519")],
    ["of ed25519 with 24 bytes", text("ssh-ed25519", Buffer.alloc(24, 1))],
    ["of ed25519 with trailing bytes", text("ssh-ed25519", Buffer.alloc(32, 1), "")],
    ["of RSA with 1024 bits", text("ssh-rsa", Buffer.of(1, 0, 1), Buffer.alloc(128, 0x7f))],
    ["of RSA with exponent 1", text("ssh-rsa", Buffer.of(1), Buffer.alloc(256, 0x7f))],
    ["of ECDSA with a point off its curve", text("ecdsa-sha2-nistp256", "nistp256", point(32))],
    ["of ECDSA that names two curves", text("ecdsa-sha2-nistp256", "nistp384", point(48))],
  ])("a public key %s is refused", (_, key) => {
    expect(() => readPublicKey(key)).toThrow()
  })
})

/** True if the file is a signature that counts. Reading may fail only with a WireError. */
function counts(key: Key, text: string): boolean {
  try {
    const file = readSignatureFile(text)
    return file.namespace === SIGNATURE_NAMESPACE && file.key === bare(key) && verifies(key, file)
  } catch (error) {
    if (error instanceof WireError) return false
    throw error
  }
}

function armored(blob: Buffer): string {
  return `-----BEGIN SSH SIGNATURE-----\n${blob.toString("base64")}\n-----END SSH SIGNATURE-----\n`
}

function pemOf(key: Key): ReturnType<typeof createPrivateKey> {
  return createPrivateKey(readFileSync(key.path, "utf8"))
}
