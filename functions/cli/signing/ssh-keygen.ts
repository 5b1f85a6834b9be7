import { spawn } from "node:child_process"
import { text as textOf } from "node:stream/consumers"
import { SIGNATURE_NAMESPACE } from "../../../lib/decision/state/signed-text.ts"
import { CommandError } from "../errors.ts"
import type { CliIo } from "../io.ts"

/**
 * Signs with OpenSSH's own program, which supports passphrases, agents and hardware. Throws CommandError with
 * its message.
 */
export async function signWithSshKeygen(text: string, key: string, { env }: CliIo): Promise<string> {
  const child = spawn("ssh-keygen", ["-Y", "sign", "-n", SIGNATURE_NAMESPACE, "-f", key], {
    env: { ...env },
    stdio: ["pipe", "pipe", "pipe"],
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", resolve)
  })
  // If ssh-keygen ends without reading, it closes the pipe. Its exit code then shows the failure.
  child.stdin.on("error", () => undefined).end(text)
  const [code, signature, notes] = await Promise.all([
    ended,
    textOf(child.stdout),
    textOf(child.stderr),
  ]).catch((error: unknown) => {
    throw new CommandError(
      `ssh-keygen could not be run: ${error instanceof Error ? error.message : String(error)}. Install OpenSSH's client, or sign elsewhere and give --signature FILE`,
    )
  })
  if (code === 0) return signature
  const why = notes.trim().split("\n").slice(0, 3).join("; ")
  throw new CommandError(`ssh-keygen made no signature with --key ${key}, so nothing was recorded: ${why}`)
}

/** Command line that makes the same signature on another machine. */
export function signingCommand(text: string): string {
  const lines = text
    .trimEnd()
    .split("\n")
    .map((line) => `'${line.replaceAll("'", "'\\''")}'`)
  return `printf '%s\\n' ${lines.join(" ")} | ssh-keygen -Y sign -n ${SIGNATURE_NAMESPACE} -f KEY > FILE`
}
