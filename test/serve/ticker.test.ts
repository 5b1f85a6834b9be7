import { describe, expect, it } from "vitest"
import { nextTimeOf } from "../../lib/serve/cron.ts"
import { type SkippedTick, Ticker } from "../../lib/serve/ticker.ts"
import { FakeTimer } from "./fake-timer.ts"

const MINUTE = 60_000

/** A ticker on a fake clock, with its ticks and skips; `hold` keeps a tick running until `release`. */
class Bench {
  readonly timer = new FakeTimer()
  readonly ticked: string[] = []
  readonly skipped: string[] = []
  setBackMs = 0
  hold = false
  release: () => void = () => undefined
  readonly ticker: Ticker

  constructor(
    readonly from: string,
    cron: string,
    zone = "UTC",
  ) {
    this.ticker = new Ticker({
      next: nextTimeOf(cron, zone),
      clock: { now: () => Date.parse(from) + this.timer.passedMs - this.setBackMs },
      timer: this.timer,
      tick: async (at) => {
        this.ticked.push(say(at))
        if (this.hold) await new Promise<void>((resolve) => (this.release = resolve))
      },
      skipped: ({ at, why }: SkippedTick) => this.skipped.push(`${say(at)} ${why}`),
    })
    this.ticker.start()
  }
}

const say = (at: number): string => new Date(at).toISOString().slice(5, 19)
/** Waits until the ticker has noticed that a tick ended. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe("ticks by the wall clock", () => {
  it("a tick of serve may run up to a minute late, and still carries its scheduled time", async () => {
    const bench = new Bench("2024-01-12T16:54:30Z", "*/5 * * * *")
    bench.timer.pass(30_000)
    await settled()
    bench.timer.sleep(4 * MINUTE + 30_000)
    bench.timer.pass(59_000)
    expect([bench.ticked, bench.skipped]).toEqual([["01-12T16:55:00", "01-12T17:00:00"], []])
    expect(say(bench.ticker.due ?? 0)).toBe("01-12T17:05:00")
  })

  it("serve ticks every 20 seconds by a cron expression with six fields", async () => {
    const bench = new Bench("2024-01-12T16:54:30Z", "*/20 * * * * *")
    for (let i = 0; i < 4; i++) {
      bench.timer.pass(15_000)
      await settled()
    }
    expect(bench.ticked).toEqual(["01-12T16:54:40", "01-12T16:55:00", "01-12T16:55:20"])
  })

  it("the ticks of serve follow their time zone through both DST changes", async () => {
    const daily = new Bench("2024-03-30T00:00:00Z", "30 2 * * *", "Europe/Berlin")
    for (let i = 0; i < 3 * 24; i++) {
      daily.timer.pass(60 * MINUTE)
      await settled()
    }
    expect(daily.ticked).toEqual(["03-30T01:30:00", "03-31T01:00:00", "04-01T00:30:00"])
    const often = new Bench("2024-10-27T00:10:00Z", "*/30 * * * *", "Europe/Berlin")
    for (let i = 0; i < 12; i++) {
      often.timer.pass(10 * MINUTE)
      await settled()
    }
    expect(often.ticked).toEqual(["10-27T00:30:00", "10-27T01:00:00", "10-27T01:30:00", "10-27T02:00:00"])
  })

  it("the ticks of serve run one at a time, and a tick that is due meanwhile is skipped and reported", async () => {
    const bench = new Bench("2024-01-12T16:54:30Z", "*/5 * * * *")
    bench.hold = true
    bench.timer.pass(11 * MINUTE)
    expect([bench.ticked, bench.skipped]).toEqual([
      ["01-12T16:55:00"],
      ["01-12T17:00:00 running", "01-12T17:05:00 running"],
    ])
    bench.release()
    await settled()
    bench.timer.pass(5 * MINUTE)
    expect(bench.ticked).toEqual(["01-12T16:55:00", "01-12T17:10:00"])
  })

  it("a tick of serve that is more than a minute late after a sleep is skipped and reported as missed", async () => {
    const bench = new Bench("2024-01-12T16:54:30Z", "*/5 * * * *")
    bench.timer.sleep(3 * 60 * MINUTE + 2 * MINUTE)
    bench.timer.pass(30_000)
    expect([bench.ticked, bench.skipped]).toEqual([[], ["01-12T16:55:00 missed"]])
    bench.timer.pass(5 * MINUTE)
    expect(bench.ticked).toEqual(["01-12T20:00:00"])
  })

  it("serve runs only the newest of many ticks that were due in the last minute", async () => {
    const bench = new Bench("2024-01-12T16:54:59Z", "*/10 * * * * *")
    bench.timer.sleep(24 * 60 * MINUTE)
    bench.timer.pass(0)
    expect([bench.ticked, bench.skipped]).toEqual([["01-13T16:54:50"], ["01-12T16:55:00 missed"]])
  })

  it("the ticks of serve follow the new time if the clock was set back", async () => {
    const bench = new Bench("2024-01-12T16:54:30Z", "*/5 * * * *")
    bench.timer.pass(30_000)
    await settled()
    bench.setBackMs = 60 * MINUTE
    bench.timer.pass(5 * MINUTE)
    expect(bench.ticked).toEqual(["01-12T16:55:00", "01-12T16:00:00"])
  })

  it("stopping the ticker of serve ends the ticks and leaves no timer", () => {
    const bench = new Bench("2024-01-12T16:54:30Z", "*/5 * * * *")
    bench.ticker.stop()
    bench.timer.pass(60 * MINUTE)
    expect([bench.ticked, bench.ticker.due, bench.timer.waiting]).toEqual([[], null, 0])
  })
})

describe("a cron expression", () => {
  it.each([
    ["", "5 fields, or 6"],
    ["* * * *", "5 fields, or 6"],
    ["@daily", "5 fields, or 6"],
    ["* * * * * * *", "5 fields, or 6"],
    ["61 * * * *", "is not a valid cron expression: Invalid value for minute: 61"],
    ["* * * * mox", "is not a valid cron expression"],
  ])("serve refuses the cron expression %j for its ticks, with a reason", (expression, says) => {
    expect(() => nextTimeOf(expression, "UTC")).toThrow(says)
  })

  it("a cron expression that never matches has no next time", () => {
    expect(nextTimeOf("0 0 30 2 *", "UTC")(0)).toBeNull()
  })
})
