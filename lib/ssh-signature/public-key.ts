import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto"
import { strictBase64, WireError, WireReader } from "./wire.ts"

/** An SSH public key, ready for verification. */
export type SshPublicKey =
  | { kind: "ed25519"; key: KeyObject }
  | { kind: "rsa"; key: KeyObject; bytes: number }
  | { kind: "ecdsa"; key: KeyObject; curve: EcdsaCurve }

export interface EcdsaCurve {
  /** Name in the key type, such as `nistp256` in `ecdsa-sha2-nistp256`. */
  name: string
  jwk: string
  hash: "sha256" | "sha384" | "sha512"
  /** Length of one coordinate, in bytes. */
  bytes: number
}

const CURVES: readonly EcdsaCurve[] = [
  { name: "nistp256", jwk: "P-256", hash: "sha256", bytes: 32 },
  { name: "nistp384", jwk: "P-384", hash: "sha384", bytes: 48 },
  { name: "nistp521", jwk: "P-521", hash: "sha512", bytes: 66 },
]

const MIN_RSA_BITS = 2048
const MAX_RSA_BITS = 8192

/**
 * Reads a key such as `ssh-ed25519 AAAA…`, without a comment. Throws WireError, or another Error if a point
 * is not on its curve.
 */
export function readPublicKey(text: string): SshPublicKey {
  const [type = "", base64 = "", ...others] = text.split(" ")
  if (others.length > 0) throw new WireError("there are more bytes after the key")
  const reader = new WireReader(strictBase64(base64))
  if (reader.name() !== type) throw new WireError("its data names another key type")
  const key = readKeyOf(type, reader)
  reader.end()
  return key
}

function readKeyOf(type: string, reader: WireReader): SshPublicKey {
  if (type === "ssh-ed25519") return readEd25519(reader)
  if (type === "ssh-rsa") return readRsa(reader)
  const curve = CURVES.find(({ name }) => type === `ecdsa-sha2-${name}`)
  if (!curve) throw new WireError("its type is not ed25519, ECDSA or RSA")
  return readEcdsa(curve, reader)
}

function readEd25519(reader: WireReader): SshPublicKey {
  const point = reader.string()
  if (point.length !== 32) throw new WireError("an ed25519 key must have 32 bytes")
  return { kind: "ed25519", key: imported({ kty: "OKP", crv: "Ed25519", x: base64Url(point) }) }
}

function readRsa(reader: WireReader): SshPublicKey {
  const exponent = reader.positive()
  const modulus = reader.positive()
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS)
    throw new WireError(
      `an RSA key must have ${MIN_RSA_BITS} to ${MAX_RSA_BITS} bits, but this one has ${bits}`,
    )
  const isOdd = [modulus, exponent].every((number) => ((number.at(-1) ?? 0) & 1) === 1)
  if (!isOdd || exponent.length > 4 || exponent.equals(Buffer.of(1)))
    throw new WireError("its numbers are not valid for an RSA key")
  return {
    kind: "rsa",
    key: imported({ kty: "RSA", n: base64Url(modulus), e: base64Url(exponent) }),
    bytes: modulus.length,
  }
}

function readEcdsa(curve: EcdsaCurve, reader: WireReader): SshPublicKey {
  if (reader.name() !== curve.name) throw new WireError("its data names another curve")
  const point = reader.string()
  if (point.length !== 1 + 2 * curve.bytes || point[0] !== 4)
    throw new WireError("an ECDSA key must be an uncompressed point of its curve")
  const [x, y] = [point.subarray(1, 1 + curve.bytes), point.subarray(1 + curve.bytes)]
  const key = imported({ kty: "EC", crv: curve.jwk, x: base64Url(x), y: base64Url(y) })
  return { kind: "ecdsa", key, curve }
}

function imported(key: JsonWebKey): KeyObject {
  return createPublicKey({ key, format: "jwk" })
}

function base64Url(bytes: Buffer): string {
  return bytes.toString("base64url")
}
