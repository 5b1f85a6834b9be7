import { writeFileSync } from "node:fs"
import { type Mutant, type MutatedFile, mutatedFiles, UNKILLED_STATUSES } from "./report.ts"

// npx tsx test/mutation/list.ts coverage/mutation.json [...]
// Writes coverage/mutation-survivors.md from Stryker's reports.

const LONGEST = 90

const files = [...mutatedFiles(process.argv.slice(2))]

const lines = [
  "# Mutants that no test kills",
  "",
  "Written by `test/mutation/list.ts` from Stryker's reports; `docs/mutation.md` explains them. Score: killed and",
  "timed out, of all that are valid. Mutants of constants that are computed once per process are left out (`ignoreStatic`).",
  "",
  "| file | mutants | killed | timed out | survived | not covered | score |",
  "|---|---|---|---|---|---|---|",
  ...files.map(([name, { mutants }]) => row(name, mutants)),
  row(
    "**all**",
    files.flatMap(([, { mutants }]) => mutants),
  ),
  ...files.flatMap(([name, file]) => survivors(name, file)),
  "",
]
writeFileSync("coverage/mutation-survivors.md", lines.join("\n"))

function row(name: string, mutants: Mutant[]): string {
  const count = (status: string) => mutants.filter((mutant) => mutant.status === status).length
  const [killed, timedOut] = [count("Killed"), count("Timeout")]
  const [survived, uncovered] = [count("Survived"), count("NoCoverage")]
  const valid = killed + timedOut + survived + uncovered
  const score = valid === 0 ? "–" : `${(((killed + timedOut) / valid) * 100).toFixed(1)} %`
  return `| ${[name, valid, killed, timedOut, survived, uncovered, score].join(" | ")} |`
}

function survivors(name: string, { source, mutants }: MutatedFile): string[] {
  const left = mutants.filter(({ status }) => UNKILLED_STATUSES.includes(status))
  if (left.length === 0) return []
  const said = left
    .sort((a, b) => a.location.start.line - b.location.start.line)
    .map((mutant) => {
      const { location, mutatorName, replacement = "", status } = mutant
      const what = `${code(textAt(source, location))} → ${code(replacement)}`
      return `- ${location.start.line}: ${what} (${mutatorName}${status === "NoCoverage" ? ", not covered" : ""})`
    })
  return ["", `## ${name}`, "", ...said]
}

function textAt(source: string, { start, end }: Mutant["location"]): string {
  const lines = source.split("\n").slice(start.line - 1, end.line)
  const last = lines.length - 1
  return lines
    .map((line, i) => line.slice(i === 0 ? start.column - 1 : 0, i === last ? end.column - 1 : undefined))
    .join(" ")
}

function code(text: string): string {
  const short = text.replaceAll(/\s+/g, " ").replaceAll("`", "'").trim()
  return `\`${short.length > LONGEST ? `${short.slice(0, LONGEST)}…` : short}\``
}
