import { readdirSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { play } from "../../lib/simulate/scenario/play.ts"
import { readScenario } from "../../lib/simulate/scenario/script.ts"
import { STAGE } from "./default-policy.ts"

// Each scenario is one situation of the specification, as an operator would describe it: a policy, a load,
// events with their times, and the expected results. docs/scenarios.md shows how to write one.

const folder = fileURLToPath(new URL(".", import.meta.url))
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".yaml"))
  .sort()
const files = await Promise.all(names.map((name) => readScenario(`${folder}${name}`)))

describe("scenario", () => {
  it.each(files.map(({ scenario }, i) => ({ file: names[i], scenario })))(
    "$file: $scenario.title",
    async ({ scenario }) => {
      expect(scenario.title.length).toBeGreaterThan(20)
      expect(scenario.rule).toBeDefined()
      expect(await play(scenario, STAGE)).toEqual([])
    },
  )
})
