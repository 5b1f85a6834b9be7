import { readdirSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { play } from "./play.ts"
import { readScenario } from "./script.ts"

// One situation of the specification each, told as an operator would: a policy, a load, what happens when, and what must
// come of it. How to write one: docs/scenarios.md.

const folder = fileURLToPath(new URL(".", import.meta.url))
const files = readdirSync(folder)
  .filter((name) => name.endsWith(".yaml"))
  .sort()

describe("scenario", () => {
  it.each(files.map((file) => ({ file, scenario: readScenario(`${folder}${file}`) })))(
    "$file: $scenario.title",
    async ({ scenario }) => {
      expect(await play(scenario)).toEqual([])
    },
  )
})
