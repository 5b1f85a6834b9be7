import { onTestFinished, vi } from "vitest"
import type { StartApp } from "../../functions/door.ts"
import type { DoorName, Handled, Invocation } from "../../lib/app/app.ts"

export { contextOf } from "./context.ts"

type Result = Handled["results"][number]

/** An app with memory. It records its calls, and returns or throws as set. */
export class FakeApp {
  starts = 0
  readonly calls: { event: unknown; door: DoorName; invocation: Invocation }[] = []
  /** Errors with which the next starts fail, one each. */
  readonly refusals: Error[] = []
  answer: () => Promise<Handled> = async () => handled({})

  readonly start: StartApp = async () => {
    this.starts += 1
    const refusal = this.refusals.shift()
    if (refusal) throw refusal
    return {
      handle: (event, door, invocation) => {
        this.calls.push({ event, door, invocation })
        return this.answer()
      },
    }
  }
}

export function handled(parts: Partial<Handled>): Handled {
  return { results: [], warnings: [], facts: [], problems: [], http: null, asksToBuy: false, ...parts }
}

export function resultFor(supernode: string, parts: Partial<Result> = {}): Result {
  return { supernode, mode: "live", decision: { kind: "hold", heldBy: "cooldown", findings: [] }, ...parts }
}

/** Everything that the process prints until the end of the test, as text and as the JSON lines in it. */
export function listen(): { text(): string; lines(): Record<string, unknown>[] } {
  const said: string[] = []
  const keep = (chunk: unknown) => {
    said.push(String(chunk))
    return true
  }
  const spies = [process.stdout, process.stderr].map((stream) =>
    vi.spyOn(stream, "write").mockImplementation(keep),
  )
  onTestFinished(() => {
    for (const spy of spies) spy.mockRestore()
  })
  const text = () => said.join("")
  return {
    text,
    lines: () =>
      text()
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line)),
  }
}
