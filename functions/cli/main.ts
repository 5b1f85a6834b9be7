import { processIo } from "./process-io.ts"
import { runCli } from "./run-cli.ts"

/** The command line in this process -> its exit code. */
export function main(argv: readonly string[]): Promise<number> {
  return runCli(argv, processIo())
}
