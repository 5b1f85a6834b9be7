import { digestText } from "../../lib/digest.ts"
import { CachedBundle, cacheOf, MANIFEST } from "./cached-bundle.ts"

/** Exports of a function's `main.js`: its handlers, and this. */
interface Main {
  explainStart(problem: () => string | null): void
}

/** Loads `main.js`, which is beside this file in a built folder, from its code cache if there is one. */
export function loadMain(): Main {
  const bundle = new CachedBundle(import.meta.dirname)
  const main = bundle.load("main.js") as Main
  main.explainStart(() => bundle.problem)
  return main
}

// For the run that makes the code cache.
export { CachedBundle, cacheOf, digestText, MANIFEST }
