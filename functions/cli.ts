import { processIo } from "./cli/process-io.ts"
import { runCli } from "./cli/run-cli.ts"

// The hand-turned door: `supernode-autoscaler`, package.json `bin`. The exit code is set and not forced, so that what was
// written to a pipe still gets there.
process.exitCode = await runCli(process.argv.slice(2), processIo())
