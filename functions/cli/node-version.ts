/** The oldest supported Node.js; the same as `engines` in package.json. */
const OLDEST_NODE = "20.15.1"

/**
 * Returns why this version of Node.js is too old, and what to do; `null` if it is new enough. FunctionGraph's
 * bundle uses this, too.
 */
export function whyNodeIsTooOld(version: string, todo = "install a newer Node.js"): string | null {
  const have = version.split(".").map(Number)
  const need = OLDEST_NODE.split(".").map(Number)
  for (let i = 0; i < need.length; i++) {
    const difference = (have[i] || 0) - (need[i] || 0)
    if (difference > 0) return null
    if (difference < 0)
      return `error: supernode-autoscaler needs Node.js ${OLDEST_NODE} or newer, but this is ${version}; ${todo}`
  }
  return null
}
