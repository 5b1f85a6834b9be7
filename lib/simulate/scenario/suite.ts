import { didYouMean } from "../../decision/policy/did-you-mean.ts"
import { ScenarioKeysError } from "./file-policy.ts"
import { type Failure, play } from "./play.ts"
import { readScenario, type Scenario, ScenarioError, type ScenarioFile } from "./script.ts"
import type { StageOptions } from "./stage.ts"

/** One played scenario file. */
export interface PlayedScenario {
  file: string
  title: string
  ok: boolean
  failures: Failure[]
}

/**
 * Reads all files, then plays them one after another. Throws ScenarioError with all problems of all files
 * before anything is played. `onPlayed` receives each result immediately.
 */
export async function playAll(
  paths: readonly string[],
  options: StageOptions,
  onPlayed: (played: PlayedScenario) => void = () => {},
): Promise<PlayedScenario[]> {
  const files = await readAll(paths, options)
  const all: PlayedScenario[] = []
  for (const file of files) {
    const failures = await playFile(file, options)
    const played = { file: file.path, title: file.scenario.title, ok: failures.length === 0, failures }
    onPlayed(played)
    all.push(played)
  }
  return all
}

async function readAll(paths: readonly string[], options: StageOptions): Promise<ScenarioFile[]> {
  const files: ScenarioFile[] = []
  const problems: string[] = []
  for (const path of paths) {
    try {
      const file = await readScenario(path)
      problems.push(...nameProblems(file, Object.keys(options.policy.supernodes)))
      files.push(file)
    } catch (error) {
      if (!(error instanceof ScenarioError)) throw error
      problems.push(...error.problems)
    }
  }
  if (problems.length > 0) throw new ScenarioError(problems)
  return files
}

async function playFile({ scenario, placed }: ScenarioFile, options: StageOptions): Promise<Failure[]> {
  try {
    return await play(scenario, options)
  } catch (error) {
    if (!(error instanceof ScenarioKeysError)) throw error
    throw new ScenarioError(
      error.problems.map(({ path, message }) =>
        placed(keysIn(scenario, path), `makes the policy invalid: ${message}`),
      ),
    )
  }
}

/** Path in a scenario for a path in the policy: `supernodes.0.cooldown` becomes `policy.cooldown`. */
function keysIn({ policy }: Scenario, path: string): (string | number)[] {
  const keys = path.split(".").map((key) => (/^\d+$/.test(key) ? Number(key) : key))
  const [, , key = ""] = keys
  return Object.hasOwn(policy, key) ? ["policy", ...keys.slice(2)] : ["file", ...keys]
}

/** Problems with supernodes that the policy, or the scenario, does not have. */
function nameProblems({ scenario, placed }: ScenarioFile, known: readonly string[]): string[] {
  const own = scenario.supernodes ? Object.keys(scenario.supernodes) : known
  const unknown = own.filter((name) => !known.includes(name))
  const say = (name: string, names: readonly string[], where: string) => {
    const near = didYouMean(name, names)
    return `${where} has no supernode ${name}${near === null ? `; it has ${names.join(", ")}` : `; did you mean ${near}?`}`
  }
  return [
    ...unknown.map((name) => placed(["supernodes", name], say(name, known, "the policy"))),
    ...[...scenario.timeline.entries()].flatMap(([i, { on }]) =>
      on === undefined || own.includes(on)
        ? []
        : [placed(["timeline", i, "on"], say(on, own, "the scenario"))],
    ),
    ...scenario.load.flatMap(({ on }, i) =>
      on === undefined || own.includes(on) ? [] : [placed(["load", i, "on"], say(on, own, "the scenario"))],
    ),
  ]
}
