import { afterEach, expect, it } from "vitest"
import { NOT_FETCHED } from "../../lib/decision/inputs/fetched.ts"
import { considerOnce, endDecisions } from "../../lib/run/decide-once.ts"
import type { RunTask } from "../../lib/run/task.ts"
import { policyOf, situationOf, tickOf } from "../decision/builders.ts"
import { taskOf } from "../world/task.ts"

// A run considers the same situation several times. A bounded number of its decisions is kept until it ends.

const policy = policyOf()
const unread = { supernode: NOT_FETCHED, readings: NOT_FETCHED, offers: NOT_FETCHED }
const situations = Array.from({ length: 9 }, () => situationOf({ policy, ...unread }))
const [one = situationOf(), two = situationOf()] = situations
const begun: RunTask[] = []
afterEach(() => begun.splice(0).forEach(endDecisions))

function begin(): RunTask {
  const task = taskOf({ signal: tickOf(), policy, run: `run-${begun.length}` })
  begun.push(task)
  return task
}

it("a run decides once about each situation, and never reuses the decision about a different situation", () => {
  const task = begin()
  const [first, second] = [considerOnce(task, one), considerOnce(task, two)]
  expect(first.facts.situation).toBe(one)
  expect(second.facts.situation).toBe(two)
  expect(considerOnce(task, one)).toBe(first)
  expect(considerOnce(task, two)).toBe(second)
})

it("a run keeps its decisions about the newest eight situations", () => {
  const task = begin()
  const known = situations.map((situation) => considerOnce(task, situation))
  for (const [nth, situation] of situations.entries())
    if (nth > 0) expect(considerOnce(task, situation)).toBe(known[nth])
  expect(considerOnce(task, one)).not.toBe(known[0])
})

it("a run reuses no decision of another run, or of an earlier run with the same task", () => {
  const [task, other] = [begin(), begin()]
  const known = considerOnce(task, one)
  expect(considerOnce(other, one)).not.toBe(known)
  endDecisions(task)
  expect(considerOnce(task, one)).not.toBe(known)
})

it("a process keeps the cached decisions of only its newest 128 runs", () => {
  const known = Array.from({ length: 129 }, () => considerOnce(begin(), one))
  for (const nth of [128, 64, 1]) expect(considerOnce(begun[nth] ?? begin(), one)).toBe(known[nth])
  expect(considerOnce(begun[0] ?? begin(), one)).not.toBe(known[0])
})
