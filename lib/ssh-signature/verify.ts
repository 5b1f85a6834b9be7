import { hash as digestOf, verify } from "node:crypto"
import { readPublicKey, type SshPublicKey } from "./public-key.ts"
import { strictBase64, WireError, WireReader, wireString } from "./wire.ts"

/** A stored signature: only the parts of a signature file that its verifier does not already know. */
export interface KeptSignature {
  /** Hash algorithm of the message: `sha256` or `sha512`. */
  hash: string
  /** base64 of the signature itself: its algorithm and its bytes. */
  value: string
}

export interface Signed {
  /** The signed text, byte for byte. */
  text: string
  namespace: string
  /** Public key such as `ssh-ed25519 AAAA…`. */
  key: string
  signature: KeptSignature
}

/** True if `key` made `signature` over `text` in `namespace`. Never throws; false for malformed bytes. */
export function isSignedBy(signed: Signed): boolean {
  try {
    return verified(signed)
  } catch {
    return false
  }
}

function verified({ text, namespace, key: keyText, signature }: Signed): boolean {
  const { hash } = signature
  if (hash !== "sha256" && hash !== "sha512") throw new WireError("its hash is not sha256 or sha512")
  const data = Buffer.concat([
    Buffer.from("SSHSIG"),
    wireString(namespace),
    wireString(""),
    wireString(hash),
    wireString(digestOf(hash, text, "buffer")),
  ])
  const reader = new WireReader(strictBase64(signature.value))
  const algorithm = reader.name()
  const bytes = reader.string()
  reader.end()
  return fits(readPublicKey(keyText), { data, algorithm, bytes })
}

interface SignatureInput {
  data: Buffer
  algorithm: string
  bytes: Buffer
}

const RSA_HASHES = new Map([
  ["rsa-sha2-256", "sha256"],
  ["rsa-sha2-512", "sha512"],
])

function fits(key: SshPublicKey, { data, algorithm, bytes }: SignatureInput): boolean {
  switch (key.kind) {
    case "ed25519":
      return algorithm === "ssh-ed25519" && bytes.length === 64 && verify(null, data, key.key, bytes)
    case "rsa": {
      // `ssh-rsa` is excluded because it uses SHA-1.
      const hash = RSA_HASHES.get(algorithm)
      return hash !== undefined && bytes.length === key.bytes && verify(hash, data, key.key, bytes)
    }
    case "ecdsa": {
      const { curve } = key
      if (algorithm !== `ecdsa-sha2-${curve.name}`) return false
      const signature = ecdsaBytes(bytes, curve.bytes)
      return verify(curve.hash, data, { key: key.key, dsaEncoding: "ieee-p1363" }, signature)
    }
    default:
      return key satisfies never
  }
}

/** Converts the two numbers of SSH's form to the curve's width and concatenates them. Throws WireError. */
function ecdsaBytes(bytes: Buffer, width: number): Buffer {
  const reader = new WireReader(bytes)
  const numbers = [reader.positive(), reader.positive()]
  reader.end()
  return Buffer.concat(
    numbers.map((number) => {
      if (number.length > width) throw new WireError("a number in it is larger than its curve")
      return Buffer.concat([Buffer.alloc(width - number.length), number])
    }),
  )
}
