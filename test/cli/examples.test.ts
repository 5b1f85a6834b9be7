import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { type Command, InvalidArgumentError, type Option } from "commander"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  actor,
  duration,
  planHash,
  reason,
  timeAfter,
  timeBefore,
  whole,
  words,
} from "../../functions/cli/arguments.ts"
import { cliPage } from "../../functions/cli/docs/cli-page.ts"
import { programOf } from "../../functions/cli/run-cli.ts"
import { decideAndExplain } from "../../lib/decision/decide.ts"
import { HINTS, hintOf, PRECONDITION_HINTS } from "../../lib/decision/explain/hints.ts"
import { operatorCommand, SETTLEMENTS } from "../../lib/decision/explain/operator-command.ts"
import { digest } from "../../lib/digest.ts"
import { tokensOf } from "../architecture/tokens.ts"
import { WITHOUT_HINT } from "../decision/explain/without-hint.ts"
import { holding } from "../properties/holding.ts"
import { clockAt } from "../world/clock.ts"
import { ioOf } from "../world/command-line.ts"
import { cliFixture, START } from "./harness.ts"

// Parses every example, command and value that a message, a hint, --help or a document prints, with the
// parser of its command.

const ROOT = fileURLToPath(new URL("../..", import.meta.url))
const PROGRAM = "supernode-autoscaler"

/** The program with commands that parse their arguments and do nothing. */
async function parserOnly(): Promise<{ program: Command; said: string[] }> {
  const said: string[] = []
  const sink = { write: (text: string) => said.push(text) }
  const io = ioOf({ stdout: sink, stderr: sink, clock: clockAt(START) })
  const program = await programOf({ io, fail: () => undefined })
  const disarm = (command: Command): void => {
    if (command.commands.length === 0) command.action(() => undefined)
    for (const one of command.commands) disarm(one)
  }
  disarm(program)
  return { program, said }
}

/** Arguments of a command line as a shell would split it; placeholders are filled in. */
function argvOf(line: string): string[] {
  const text = line
    .slice(line.indexOf(PROGRAM) + PROGRAM.length)
    .replace(/\s+(#.*|\||>|<|&&|;).*$/, "")
    .replace(/\bWHO\b/g, "ann")
    .replace(/\bTEXT\b/g, "'launch week'")
    .replace(/\bNAME\b/g, "train-a")
    .replace(/\b(\w[\w-]*)(\|[\w-]+)+\b/g, "$1")
  return [...text.matchAll(/'((?:[^']|'\\'')*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single?.replaceAll(`'\\''`, "'") ?? double ?? bare ?? "",
  )
}

async function problemOf(line: string): Promise<string | null> {
  const { program, said } = await parserOnly()
  try {
    await program.parseAsync(argvOf(line), { from: "user" })
    return null
  } catch {
    return `${line}\n${said.join("")}`
  }
}

it("docs/cli.md is committed as generated from the commands: run `npm run schema` after a change", async () => {
  expect(readFileSync(join(ROOT, "docs/cli.md"), "utf8")).toBe(cliPage((await parserOnly()).program))
})

const HASH = `sha256:${"0".repeat(64)}`

describe("a printed command line", () => {
  it.each([
    operatorCommand.doctor("train-a"),
    operatorCommand.doctorAll,
    operatorCommand.status("train-a"),
    operatorCommand.statusAll,
    operatorCommand.validate,
    operatorCommand.ledgerShow,
    operatorCommand.auditAnchor,
    operatorCommand.auditReport,
    operatorCommand.auditVerify,
    operatorCommand.auditShow("supernode:train-a", 1),
    operatorCommand.dryRun("train-a"),
    operatorCommand.planFile("train-a"),
    operatorCommand.approve(HASH),
    operatorCommand.pauseAll,
    operatorCommand.resume(null),
    operatorCommand.resume("train-a"),
    operatorCommand.endHold("train-a"),
    operatorCommand.reset("train-a"),
    operatorCommand.ledgerInit,
    operatorCommand.ledgerRestored,
    operatorCommand.ledgerConfirm("train-a"),
    ...SETTLEMENTS.map((as) => operatorCommand.settle("train-a", [as])),
    operatorCommand.settle("train-a", SETTLEMENTS),
  ])("the command line parser accepts the printed command line %s", async (line) => {
    expect(await problemOf(line)).toBeNull()
  })

  it("every option accepts the default value that it shows", async () => {
    const options = optionsOf((await parserOnly()).program)
    const shown = options.filter(({ defaultValueDescription }) => /^"/.test(defaultValueDescription ?? ""))
    expect(shown.map(({ long }) => long)).toEqual(["--provisioning", "--provisioning"])
    for (const { long, defaultValue, defaultValueDescription, parseArg } of shown) {
      const text: unknown = JSON.parse(defaultValueDescription ?? "")
      expect(parseArg?.(String(text), undefined), long).toBe(defaultValue)
    }
  })

  it("the help of every command prints only valid command lines", async () => {
    const lines = helps((await parserOnly()).program).flatMap((help) =>
      [...help.matchAll(/^ {2}(supernode-autoscaler .*?)(?: {2,}.*)?$/gm)].map(([, line = ""]) => line),
    )
    expect(lines.length).toBeGreaterThan(6)
    expect((await Promise.all(lines.map(problemOf))).filter((problem) => problem !== null)).toEqual([])
  })

  it("README.md, docs/ and examples/ print only valid command lines", async () => {
    const files = ["README.md", ...listed("docs", ".md"), ...listed("examples", ".yaml")]
    const lines = files.flatMap((file) => commandsIn(readFileSync(join(ROOT, file), "utf8"))).map(filledIn)
    expect(lines.length).toBeGreaterThan(5)
    expect((await Promise.all(lines.map(problemOf))).filter((problem) => problem !== null)).toEqual([])
  })

  it("the table of commands in docs/operate.md is valid, with and without optional arguments", async () => {
    const [, table = ""] = readFileSync(join(ROOT, "docs/operate.md"), "utf8").split("## Commands\n")
    const cells = [...(table.split("\nAll take ")[0] ?? "").matchAll(/^\| (`.*?`) \| /gm)]
    const written = cells.flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, one = ""]) => one),
    )
    const lines = written.flatMap((one) => [one.replaceAll(/\[[^\]]*\]/g, ""), one.replaceAll(/[[\]]/g, "")])
    expect(lines.length).toBeGreaterThan(30)
    const problems = await Promise.all(lines.map((line) => problemOf(filledIn(`${PROGRAM} ${line}`))))
    expect(problems.filter((problem) => problem !== null)).toEqual([])
  })

  it("every hint of a failing gate prints only valid command lines", async () => {
    const lines = new Set<string>()
    for (const situation of fc.sample(holding, { seed: 7, numRuns: 400 }))
      for (const finding of decideAndExplain(situation, digest).findings)
        for (const [line] of (hintOf(finding) ?? "").matchAll(/supernode-autoscaler [^,;]*/g))
          lines.add(line.replaceAll(/sha256:\w+/g, HASH).replace(/ (at|who|later) .*$/, ""))
    expect(lines.size).toBeGreaterThan(4)
    expect((await Promise.all([...lines].map(problemOf))).filter((problem) => problem !== null)).toEqual([])
  })

  it("only one source file builds the command lines that operators run", () => {
    const strays = [...listed("lib", ".ts"), ...listed("functions", ".ts")]
      .filter((file) => file !== "lib/decision/explain/operator-command.ts")
      .flatMap((file) =>
        tokensOf(readFileSync(join(ROOT, file), "utf8"))
          .filter(
            ({ kind, text }) =>
              kind !== "word" &&
              /supernode-autoscaler (resume|hold|settle|reset|approve|pause|ledger (init|restored|confirm)) /.test(
                text,
              ),
          )
          .filter(({ text }) => !text.includes("Examples:") && !text.includes("--by me"))
          .map(({ line }) => `${file}:${line}`),
      )
    expect(strays).toEqual([])
  })
})

/** Values for the placeholders of a table of commands. */
function filledIn(line: string): string {
  const values = {
    TIME: "2h",
    SEQ: "1",
    PLANHASH: HASH,
    CRON: "'*/5 * * * *'",
    FILE: "f",
    POLICY: "f",
    "I/N": "2/4",
    HOST: "::1",
    H: "::1",
    N: "4",
  }
  const text = Object.entries(values).reduce(
    (so, [argument, value]) => so.replaceAll(new RegExp(`\\b${argument}\\b`, "g"), value),
    line.replaceAll("\\|", "|"),
  )
  // The first of several commands that share a line represents all. `audit show` would need an entry.
  return text.replace(/audit list\|.*/, "audit list")
}

describe("docs/holds.md", () => {
  it("docs/holds.md has one row for each reason to hold, with the commands that the hints print", () => {
    const text = readFileSync(join(ROOT, "docs/holds.md"), "utf8")
    const rows = [...text.matchAll(/^\| ((?:`[a-z-]+`(?:, )?)+) \|/gm)]
    const listedReasons = rows.flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`([a-z-]+)`/g)].map(([, one]) => one),
    )
    const all = [...Object.keys(HINTS), ...Object.keys(WITHOUT_HINT), ...Object.keys(PRECONDITION_HINTS)]
    expect(listedReasons.sort()).toEqual([...new Set(all)].sort())
    for (const command of [
      operatorCommand.endHold("NAME"),
      operatorCommand.reset("NAME"),
      operatorCommand.settle("NAME", SETTLEMENTS).replaceAll("|", "\\|"),
      operatorCommand.approve("PLANHASH"),
      operatorCommand.resume("NAME"),
      operatorCommand.ledgerInit,
      operatorCommand.ledgerRestored,
      operatorCommand.ledgerConfirm("NAME"),
    ])
      expect(text).toContain(`\`${command}\``)
  })
})

function listed(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(ending) && !file.startsWith("mutation"))
    .map((file) => `${folder}/${file.replaceAll("\\", "/")}`)
}

/** First line of a text that approvers sign. It is not a command. */
const SIGNED_TEXT = /^supernode-autoscaler [a-z-]{1,20} v1$/

/** Command lines of a document: lines of code blocks, and code in sentences. */
function commandsIn(text: string): string[] {
  const joined = text.replaceAll(/\\\n\s*/g, " ")
  const inBlocks = [...joined.matchAll(/^\s*(?:#\s*|\$\s*|npx\s+)*(supernode-autoscaler [a-z].*)$/gm)]
  const inSentences = [...joined.matchAll(/`(?:npx )?(supernode-autoscaler [a-z][^`]*)`/g)]
  const lines = [...inBlocks, ...inSentences].map(([, line = ""]) => line)
  return lines.filter((line) => !line.includes("…") && !SIGNED_TEXT.test(line))
}

function optionsOf({ options, commands }: Command): Option[] {
  return [...options, ...commands.flatMap(optionsOf)]
}

function helps(command: Command): string[] {
  const said: string[] = []
  command.configureOutput({ writeOut: (text) => said.push(text) })
  command.outputHelp()
  return [said.join(""), ...command.commands.flatMap(helps)]
}

describe("an example in a message about a wrong argument", () => {
  it.each<[string, (text: string) => unknown, string]>([
    ["TIME", timeAfter(Date.parse("2031-12-31T23:59:00Z")), "tomorrow"],
    ["TIME", timeBefore(Date.parse("2024-01-01T00:00:00Z")), "tomorrow"],
    ["DURATION", duration, "soon"],
    ["N", whole(1, 48), "many"],
    ["PLANHASH", planHash, "sha256:xyz"],
    ["WHO", actor, "WHO"],
    ["WHY", reason, "TEXT"],
    ["words", words, " "],
  ])("an example in a message about a wrong argument is valid: %s (case %#)", (_what, parse, wrong) => {
    const message = messageOf(() => parse(wrong))
    const examples = [...message.matchAll(/"([^"]+)"|(\d{4}-\d{2}-\d{2}T[\w:+-]+\w)/g)].map(
      ([, quoted, time]) => quoted ?? time ?? "",
    )
    if (["TIME", "DURATION"].includes(_what)) expect(examples.length).toBeGreaterThan(1)
    for (const example of examples) expect(() => parse(example), example).not.toThrow()
  })

  it("a message's example of a duration points to the past only if the option takes a past time", () => {
    expect(messageOf(() => timeBefore(START)("soon"))).toContain("must be a duration back from now such as")
    expect(messageOf(() => timeAfter(START)("soon"))).toContain("must be a duration from now such as")
  })

  it("pause accepts the example time that its own error message prints", async () => {
    const { err } = await cliFixture().run("pause", "--why", "x", "--by", "ann", "--until", "tomorrow")
    for (const [example] of err.matchAll(/\d{4}-\d{2}-\d{2}T[\d:]+(?:Z|[+-]\d{2}:\d{2})/g)) {
      expect((await cliFixture().run("pause", "--why", "x", "--by", "ann", "--until", example)).code).toBe(0)
    }
  })
})

function messageOf(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error.message
    throw error
  }
  throw new Error("took a wrong word")
}
