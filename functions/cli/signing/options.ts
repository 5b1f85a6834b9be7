import { type Command, Option } from "commander"
import { words } from "../arguments.ts"

/** Key file or signature file of a command; at most one of them is given. */
export interface SignatureOptions {
  key?: string
  signature?: string
}

/** Adds `--key` and `--signature`. */
export function addSignatureOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--key <FILE>",
        "your SSH key, if the policy lists it for you: the private key, or the public key if the agent holds the private one; ssh-keygen signs",
      )
        .argParser(words)
        .conflicts("signature"),
    )
    .addOption(
      new Option(
        "--signature <FILE>",
        "your signature, made elsewhere by ssh-keygen -Y sign; - reads stdin",
      ).argParser(words),
    )
}
