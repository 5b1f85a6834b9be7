import { processIo } from "./process-io.ts"
import { runCli } from "./run-cli.ts"

/** Runs the command line in this process. Resolves to its exit code. */
export function main(argv: readonly string[]): Promise<number> {
  return runCli(argv, processIo())
}
