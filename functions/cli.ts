import { whyNodeIsTooOld } from "./cli/node-version.ts"

// Entry point of the command line: package.json `bin`. Everything else is imported after the check of
// Node.js's version, since an older Node.js cannot even link it. The exit code is set, not forced, since a
// forced exit could lose output on its way to a pipe.
const problem = whyNodeIsTooOld(process.versions.node)
if (problem === null) {
  // Amazon's client prints a warning about Node.js's version on every start.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true"
  // Uses no `await` at the top level, which CommonJS does not have.
  void import("./cli/main.ts").then(async ({ main }) => {
    process.exitCode = await main(process.argv.slice(2))
  })
} else {
  process.stderr.write(`${problem}\n`)
  process.exitCode = 1
}
