import { whyNodeIsTooOld } from "./node-version.ts"

// The first import of the package. It runs before all others, and throws if this Node.js is too old for them.
const problem = whyNodeIsTooOld(process.versions.node)
if (problem !== null) throw new Error(problem.replace("error: ", ""))
