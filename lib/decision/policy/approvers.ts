import * as z from "zod"

// `approvers` of the policy file: the people whose approvals count. A name that is not listed here approves
// nothing.

/** Letters, digits and characters of e-mail addresses. Excludes characters that a reader could overlook. */
const VISIBLE = /^[\p{L}\p{N}][\p{L}\p{M}\p{N} ._@+'-]{0,63}$/u

const approverName = () =>
  z
    .string({ error: "must be a name" })
    .refine(
      (name) => VISIBLE.test(name) && name.trim() === name && !/\p{Default_Ignorable_Code_Point}/u.test(name),
      {
        error: "must be 1 to 64 letters, digits, spaces or . _ @ + ' -, with a letter or digit first",
      },
    )

/** `ssh-ed25519 AAAA… comment`, as in an authorized_keys file without options. */
const KEY =
  /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) ([A-Za-z0-9+/]{40,2000}={0,2})(?: [^\n]{0,200})?$/

/**
 * True if a text has the form of a public key. The blob begins with its own type: four bytes of length, then
 * the name.
 */
export function isKeyText(text: string): boolean {
  const [, type = "", blob = ""] = KEY.exec(text) ?? []
  if (type === "" || blob.length % 4 !== 0) return false
  return atob(blob).startsWith(`\0\0\0${String.fromCharCode(type.length)}${type}`)
}

const approverKey = () =>
  z
    .string({ error: "must be an SSH public key" })
    .refine(isKeyText, {
      error: "must be an SSH public key such as ssh-ed25519 AAAA…: ed25519, ECDSA or RSA",
    })
    // The comment is dropped: it is not part of the key and must not change the policy's hash.
    .transform((text) => text.split(" ").slice(0, 2).join(" "))

export const approversSchema = z
  .array(
    z.lazy(() => z.strictObject({ name: approverName(), key: approverKey().optional() })),
    {
      error: "must be a list of people such as [ { name: ann } ]",
    },
  )
  .max(100, { error: "must list at most 100 people" })
  .transform((people): Approver[] =>
    people.map(({ name, key }) => (key === undefined ? { name } : { name, key })),
  )

/** One person whose approvals count. */
export interface Approver {
  /** Compared by `personKey` with the name that `approve --by` gave. */
  name: string
  /**
   * SSH public key without its comment. Approvals in this name then count only with a signature by this key.
   * If absent, the name is not verified.
   */
  key?: string
}
