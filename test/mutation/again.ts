import { readFileSync } from "node:fs"
import { mutatedFiles, UNKILLED_STATUSES } from "./report.ts"

// npx tsx test/mutation/again.ts coverage/mutation.json [...] > coverage/again.json
// Prints Stryker's settings for another run, with other tests, of only the mutants that survived.
// Then run: npx stryker run coverage/again.json

const mutate = [...mutatedFiles(process.argv.slice(2))].flatMap(([name, { mutants }]) =>
  mutants
    .filter(({ status }) => UNKILLED_STATUSES.includes(status))
    // Stryker's settings count columns from 0, and its reports from 1.
    .map(
      ({ location: { start, end } }) =>
        `${name}:${start.line}:${start.column - 1}-${end.line}:${end.column - 1}`,
    ),
)
const settings = JSON.parse(readFileSync("stryker.config.json", "utf8"))
process.stdout.write(`${JSON.stringify({ ...settings, mutate: [...new Set(mutate)] }, null, 2)}\n`)
