import { expect, test } from "vitest"
import { Turns } from "../lib/turns.ts"

/**
 * Starts requests that the test ends by `answer` or `fail`. `begun` has them in the order in which they
 * began.
 */
function startQuestions(turns: Turns, count: number) {
  const begun: { nth: number; answer(): void; fail(cause: unknown): void }[] = []
  const ended = Array.from({ length: count }, (_, nth) =>
    turns.take(
      () => new Promise<number>((resolve, fail) => begun.push({ nth, answer: () => resolve(nth), fail })),
    ),
  )
  return { begun, ended }
}

test("a waiting request begins, with its full time limit, when a request before it ends", async () => {
  const { begun, ended } = startQuestions(new Turns(2), 4)
  for (let nth = 0; nth < 4; nth++) {
    expect(begun.map((one) => one.nth)).toEqual([0, 1, 2, 3].slice(0, nth + 2))
    begun[nth]?.answer()
    expect(await ended[nth]).toBe(nth)
  }
})

test("all waiting requests fail at once if the database hangs, and running ones continue", async () => {
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
