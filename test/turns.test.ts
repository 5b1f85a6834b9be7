import { expect, test } from "vitest"
import { Turns } from "../lib/turns.ts"

/** Questions that answer when the test says so, in the order in which they began. */
function startQuestions(turns: Turns, count: number) {
  const begun: { nth: number; answer(): void; fail(cause: unknown): void }[] = []
  const ended = Array.from({ length: count }, (_, nth) =>
    turns.take(
      () => new Promise<number>((resolve, fail) => begun.push({ nth, answer: () => resolve(nth), fail })),
    ),
  )
  return { begun, ended }
}

test("a question of many begins, with all its time, when one before it has its answer", async () => {
  const { begun, ended } = startQuestions(new Turns(2), 4)
  for (let nth = 0; nth < 4; nth++) {
    expect(begun.map((one) => one.nth)).toEqual([0, 1, 2, 3].slice(0, nth + 2))
    begun[nth]?.answer()
    expect(await ended[nth]).toBe(nth)
  }
})

test("all that wait fail at once when a database that hangs is found out, and those under way go on", async () => {
  const turns = new Turns(2)
  const { begun, ended } = startQuestions(turns, 5)
  const hangs = new Error("it hangs")
  turns.failWaiting(hangs)
  begun[0]?.fail(hangs)
  begun[1]?.answer()
  expect(await Promise.allSettled(ended)).toMatchObject([
    { reason: hangs },
    { value: 1 },
    { reason: hangs },
    { reason: hangs },
    { reason: hangs },
  ])
  expect(begun).toHaveLength(2)
  // The turns are free again.
  const next = startQuestions(turns, 2)
  expect(next.begun).toHaveLength(2)
})
