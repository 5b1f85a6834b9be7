import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SIGNATURE_NAMESPACE } from "../../lib/decision/state/signed-text.ts"

// The real ssh-keygen (Debian: openssh-client), because approvers use it.

export const hasSshKeygen = spawnSync("ssh-keygen", ["-?"]).error === undefined
if (!hasSshKeygen)
  process.stderr.write("ssh-keygen is not installed: no signature is tested. Install openssh-client\n")

export interface Key {
  /** File of the private key. The public key is in the same path with `.pub`. */
  path: string
  /** Public key, as a policy lists it. */
  text: string
  sign(text: string, options?: { namespace?: string; hash?: "sha256" | "sha512" }): string
}

/** Makes keys in a temporary folder, one for each name. `remove` deletes the folder. */
export function keyRing(): { key(name: string, type?: string, bits?: number): Key; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "keys-"))
  const keys = new Map<string, Key>()
  return {
    key(name, type = "ed25519", bits) {
      const known = keys.get(name)
      if (known) return known
      const path = join(folder, name)
      const size = bits === undefined ? [] : ["-b", String(bits)]
      // PEM, so that node:crypto can sign with it, too.
      keygen(["-q", "-m", "PEM", "-t", type, ...size, "-N", "", "-C", `${name}@host`, "-f", path])
      const text = readFileSync(`${path}.pub`, "utf8").trim()
      const made: Key = {
        path,
        text,
        sign: (message, { namespace = SIGNATURE_NAMESPACE, hash = "sha512" } = {}) =>
          keygen(["-Y", "sign", "-O", `hashalg=${hash}`, "-n", namespace, "-f", path], message),
      }
      keys.set(name, made)
      return made
    },
    remove: () => rmSync(folder, { recursive: true }),
  }
}

function keygen(args: string[], input = ""): string {
  const { status, stdout, stderr } = spawnSync("ssh-keygen", args, { input, encoding: "utf8" })
  if (status !== 0) throw new Error(`ssh-keygen ${args.join(" ")}: ${stderr}`)
  return stdout
}
