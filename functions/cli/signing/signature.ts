import { createHash } from "node:crypto"
import { approversWithKeys } from "../../../lib/decision/policy/approver-keys.ts"
import type { Approver } from "../../../lib/decision/policy/approvers.ts"
import { personKey } from "../../../lib/decision/state/approver.ts"
import type { SaidSignature } from "../../../lib/decision/state/control.ts"
import {
  SIGNATURE_NAMESPACE,
  type SignedStatement,
  signedText,
} from "../../../lib/decision/state/signed-text.ts"
import { readSignatureFile, type SshSignatureFile } from "../../../lib/ssh-signature/armor.ts"
import { isSignedBy } from "../../../lib/ssh-signature/verify.ts"
import type { Task } from "../context.ts"
import { CommandError } from "../errors.ts"
import { readBytes } from "../event-file.ts"
import type { SignatureOptions } from "./options.ts"
import { signingCommand, signWithSshKeygen } from "./ssh-keygen.ts"

type KeyHolder = Approver & { key: string }

/** A command that needs a signature. */
export interface Signing<S extends SignedStatement> {
  by: string
  /** Words of the command in messages, such as `approve` or `ledger confirm`. */
  command: string
  options: SignatureOptions
  /** Statements of which one must be signed; at least one. The first one is shown and signed. */
  statements(approver: string): readonly S[]
}

export interface Signature<S extends SignedStatement> {
  approver: string
  statement: S
  signature: SaidSignature
}

/**
 * Returns the signature of a command that lets purchases continue; `null` if no approver of the policy has a
 * key. Throws CommandError if the signature is missing or invalid; then nothing may be written.
 */
export async function signatureOfAny<S extends SignedStatement>(
  task: Task,
  approvers: readonly Approver[],
  signing: Signing<S>,
): Promise<Signature<S> | null> {
  const holders = approversWithKeys(approvers)
  if (holders.length === 0) {
    refuseSignature(signing)
    return null
  }
  const holder = holders.find(({ name }) => personKey(name) === personKey(signing.by))
  if (holder) return signatureOf(task, holder, signing)
  throw new CommandError(
    `${signing.command} needs the signature of an approver, and the policy lists no key for ${signing.by}; nothing was recorded. Approvers with keys: ${holders.map(({ name }) => name).join(", ")}`,
  )
}

/** Throws CommandError if a signature was given that cannot be verified. */
export function refuseSignature({ by, options }: Pick<Signing<SignedStatement>, "by" | "options">): void {
  if (options.key === undefined && options.signature === undefined) return
  throw new CommandError(
    `the policy lists no key for ${by}, so a signature cannot be verified; nothing was recorded. Add the public key under approvers, or leave out --key and --signature`,
  )
}

/**
 * Returns this approver's signature. Throws CommandError if it is missing or invalid; if it is missing, shows
 * the text to sign.
 */
export async function signatureOf<S extends SignedStatement>(
  task: Task,
  holder: KeyHolder,
  { command, options, statements }: Signing<S>,
): Promise<Signature<S>> {
  const offered = statements(holder.name)
  const [first] = offered
  if (!first) throw new TypeError("there is nothing to sign")
  const text = signedText(first)
  if (options.key === undefined && options.signature === undefined) {
    task.screen.say(
      `${holder.name} signs this text, a line feed after each line:`,
      ...text
        .trimEnd()
        .split("\n")
        .map((line) => `  ${line}`),
      "to sign it (KEY is the private key, or the public key if the agent holds the private one):",
      `  ${signingCommand(text)}`,
      `then run ${command} again with --signature FILE; or run it with --key KEY, and ssh-keygen signs at once`,
    )
    throw new CommandError(
      `${command} by ${holder.name} needs a signature, since the policy lists a key for ${holder.name}; nothing was recorded`,
    )
  }
  const file = parsed(await signatureText(task, text, options))
  const why = whyWrong(file, holder)
  const { hash, value, key } = file
  const statement = offered.find((one) =>
    isSignedBy({
      text: signedText(one),
      namespace: SIGNATURE_NAMESPACE,
      key: holder.key,
      signature: { hash, value },
    }),
  )
  if (why === null && statement) return { approver: holder.name, statement, signature: { hash, value, key } }
  throw new CommandError(
    `the signature does not count, so nothing was recorded: ${why ?? `it does not sign the text that ${command} needs now. To see that text, leave out --key and --signature`}`,
  )
}

async function signatureText(
  { io }: Task,
  text: string,
  { key, signature }: SignatureOptions,
): Promise<string> {
  if (key === "-")
    throw new CommandError(
      "--key names a key file, so it cannot be -. To read a signature from stdin, give --signature -",
    )
  if (key !== undefined) return signWithSshKeygen(text, key, io)
  const where = signature === "-" ? "stdin" : signature
  return (await readBytes(signature ?? "", io, `the signature in ${where}`)).toString("latin1")
}

function parsed(text: string): SshSignatureFile {
  try {
    return readSignatureFile(text)
  } catch (error) {
    throw new CommandError(
      `this is not a signature of ssh-keygen -Y sign, so nothing was recorded: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}

function whyWrong({ namespace, key }: SshSignatureFile, holder: KeyHolder): string | null {
  if (namespace !== SIGNATURE_NAMESPACE)
    return `it was made for namespace ${JSON.stringify(namespace)}, but ${SIGNATURE_NAMESPACE} is needed (ssh-keygen -n)`
  if (key !== holder.key)
    return `it was made with key ${fingerprint(key)}, but the policy lists ${fingerprint(holder.key)} for ${holder.name}`
  return null
}

/** Fingerprint of a key in the format of `ssh-keygen -l`. */
function fingerprint(key: string): string {
  const hash = createHash("sha256").update(Buffer.from(key.split(" ")[1] ?? "", "base64"))
  return `SHA256:${hash.digest("base64").replaceAll("=", "")}`
}
