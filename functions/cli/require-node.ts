import { whyNodeIsTooOld } from "./node-version.ts"

// The first import of the package: it runs before all else, and throws where an older Node.js cannot run the rest.
const problem = whyNodeIsTooOld(process.versions.node)
if (problem !== null) throw new Error(problem.replace("error: ", ""))
