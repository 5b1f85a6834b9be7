import { strictBase64, WireError, WireReader } from "./wire.ts"

// A signature file of `ssh-keygen -Y sign`: OpenSSH, PROTOCOL.sshsig.

/** Parts of a signature file. `namespace` and `hash` are only claims: verify with values that you trust. */
export interface SshSignatureFile {
  /** Public key that the file names, such as `ssh-ed25519 AAAA…`. */
  key: string
  namespace: string
  /** Hash algorithm of the message. */
  hash: "sha256" | "sha512"
  /** base64 of the signature itself: its algorithm and its bytes. */
  value: string
}

/** Maximum size; a signature by an RSA key of 8192 bits takes 3 KB. */
const MAX_FILE_CHARS = 16_384
const VERSION = 1
const ARMOR = /^-----BEGIN SSH SIGNATURE-----([A-Za-z0-9+/=\s]*)-----END SSH SIGNATURE-----$/

/** Reads a signature file. Throws WireError with the reason. */
export function readSignatureFile(text: string): SshSignatureFile {
  if (text.length > MAX_FILE_CHARS) throw new WireError("it is larger than 16 KB")
  const [, body] = ARMOR.exec(text.trim()) ?? []
  if (body === undefined)
    throw new WireError('it does not begin with "-----BEGIN SSH SIGNATURE-----" and end in "-----END …"')
  const reader = new WireReader(strictBase64(body.replace(/\s/g, "")))
  if (reader.bytes(6).toString("latin1") !== "SSHSIG")
    throw new WireError("its bytes do not begin with SSHSIG")
  const version = reader.uint32()
  if (version !== VERSION) throw new WireError(`its version is ${version}, but only ${VERSION} is supported`)
  const key = reader.string()
  const namespace = reader.name()
  if (reader.string().length > 0) throw new WireError("its reserved field is not empty")
  const hash = reader.name()
  if (hash !== "sha256" && hash !== "sha512") throw new WireError("its hash is not sha256 or sha512")
  const value = reader.string()
  reader.end()
  return { key: keyText(key), namespace, hash, value: value.toString("base64") }
}

function keyText(key: Buffer): string {
  return `${new WireReader(key).name()} ${key.toString("base64")}`
}
