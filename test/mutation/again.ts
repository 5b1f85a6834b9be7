import { readFileSync } from "node:fs"
import { mutatedFiles, STANDING } from "./report.ts"

// npx tsx test/mutation/again.ts coverage/mutation.json [...] > coverage/again.json
// Stryker's settings to try once more, with other tests, only what survived; then: npx stryker run coverage/again.json

const mutate = [...mutatedFiles(process.argv.slice(2))].flatMap(([name, { mutants }]) =>
  mutants
    .filter(({ status }) => STANDING.includes(status))
    // Stryker counts columns from 0 here and from 1 in its reports.
    .map(
      ({ location: { start, end } }) =>
        `${name}:${start.line}:${start.column - 1}-${end.line}:${end.column - 1}`,
    ),
)
const settings = JSON.parse(readFileSync("stryker.config.json", "utf8"))
process.stdout.write(`${JSON.stringify({ ...settings, mutate: [...new Set(mutate)] }, null, 2)}\n`)
