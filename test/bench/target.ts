/** Part of a target by which a figure may miss it before its bench fails. On a busy machine figures differ by that much. */
const NOISE = 0.05

/** `target 2.2` or `target 2.2, missed`, for a figure that should be at most that. A clear miss fails the bench. */
export function atMost(figure: number, target: number): string {
  return say(figure <= target, figure <= target * (1 + NOISE), target)
}

/** The same for a figure that should be at least that. */
export function atLeast(figure: number, target: number): string {
  return say(figure >= target, figure >= target * (1 - NOISE), target)
}

/** The same for a figure that must be exactly that. */
export function exactly(figure: number, target: number): string {
  return say(figure === target, figure === target, target)
}

function say(isReached: boolean, isNear: boolean, target: number): string {
  if (!isNear) process.exitCode = 1
  return `target ${target.toLocaleString("en")}${isReached ? "" : ", missed"}`
}
