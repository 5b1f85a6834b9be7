import { describe, expect, it } from "vitest"
import {
  Batch,
  type MeterKind,
  type PeriodRange,
  type SeriesAnswer,
} from "../../../lib/metrics/batching/batch.ts"
import type { Read } from "../../../lib/ports.ts"

interface Asked {
  name: string
  place: string
}

/** A meter that takes three series per request, answers each with its name, and remembers what it was asked. */
class FakeMeter implements MeterKind<Asked, string> {
  readonly requests: string[][] = []
  readonly maxPeriods = 10
  answers: (
    together: readonly PeriodRange<Asked>[],
  ) => Read<(string | null)[]> | Error | Promise<Read<(string | null)[]>> = (together) => ({
    ok: true,
    value: together.map(({ series }) => series.name),
    skewMs: null,
  })
  inFlight = new Map<string, number>()
  mostInFlight = 0

  periodMs(): number {
    return 1
  }

  keyOf({ name, place }: Asked): string {
    return `${place}/${name}`
  }

  placeOf({ place }: Asked): string {
    return place
  }

  pack(asked: readonly PeriodRange<Asked>[]): PeriodRange<Asked>[][] {
    const groups: PeriodRange<Asked>[][] = []
    for (const place of new Set(asked.map(({ series }) => series.place))) {
      const own = asked.filter(({ series }) => series.place === place)
      for (let i = 0; i < own.length; i += 3) groups.push(own.slice(i, i + 3))
    }
    return groups
  }

  async ask(together: readonly PeriodRange<Asked>[]): Promise<Read<(string | null)[]>> {
    this.requests.push(together.map(({ series, oldest, newest }) => `${series.name} ${oldest}-${newest}`))
    const place = together[0]?.series.place ?? ""
    const now = (this.inFlight.get(place) ?? 0) + 1
    this.inFlight.set(place, now)
    this.mostInFlight = Math.max(this.mostInFlight, now)
    await new Promise(setImmediate)
    this.inFlight.set(place, (this.inFlight.get(place) ?? 0) - 1)
    const answer = await this.answers(together)
    if (answer instanceof Error) throw answer
    return answer
  }
}

const want = (name: string, starts = [3, 2, 1], place = "here") => ({ series: { name, place }, starts })
const refused: Read<never> = { ok: false, why: "answered 400", credentials: false, refused: true }
const silent: Read<never> = { ok: false, why: "no answer", credentials: false }
const values = (told: SeriesAnswer<string>[][]) =>
  told.map((one) => one.map(({ read }) => (read.ok ? read.value : read.why)))

/** Waits for several turns of the event loop: whatever would be sent by then is. */
async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate)
}

describe("the wants of one event", () => {
  it("are one request for all who take part, however far apart they arrive", async () => {
    const meter = new FakeMeter()
    const batch = new Batch(meter, { patienceMs: 60_000 })
    for (let i = 0; i < 3; i++) batch.join()
    const first = batch.collect([want("a")], true)
    await turns()
    const second = batch.collect([want("b")], true)
    await turns()
    expect(meter.requests).toEqual([])
    const third = batch.collect([want("a"), want("c")], true)
    expect(values((await Promise.all([first, second, third])).flat())).toEqual([["a"], ["b"], ["a"], ["c"]])
    expect(meter.requests).toEqual([["a 1-3", "b 1-3", "c 1-3"]])
  })

  it("do not wait for those who want nothing", async () => {
    const meter = new FakeMeter()
    const batch = new Batch(meter, { patienceMs: 60_000 })
    batch.join()
    batch.join()
    const told = batch.collect([want("a")], true)
    batch.pass()
    expect(values(await told)).toEqual([["a"]])
  })

  it("do not wait for those who do not come: they ask by themselves, and none of them asks twice", async () => {
    const meter = new FakeMeter()
    const batch = new Batch(meter, { patienceMs: 1 })
    for (let i = 0; i < 3; i++) batch.join()
    const inTime = await Promise.all([batch.collect([want("a")], true), batch.collect([want("b")], true)])
    expect(values(inTime.flat())).toEqual([["a"], ["b"]])
    expect(values(await batch.collect([want("a"), want("c")], true))).toEqual([["a"], ["c"]])
    expect(meter.requests).toEqual([["a 1-3", "b 1-3"], ["c 1-3"]])
  })

  it("are asked once in the event, even if they are asked for again, and whatever the answer was", async () => {
    const meter = new FakeMeter()
    meter.answers = ([one]) =>
      one?.series.name === "bad" ? silent : { ok: true, value: ["a"], skewMs: null }
    const batch = new Batch(meter)
    const ask = (name: string) => batch.collect([want(name)], false)
    expect(values([...(await ask("a")), ...(await ask("a"))])).toEqual([["a"], ["a"]])
    expect(values([...(await ask("bad")), ...(await ask("bad"))])).toEqual([["no answer"], ["no answer"]])
    expect(meter.requests).toHaveLength(2)
  })

  it("ask only for the periods that were not asked for yet", async () => {
    const meter = new FakeMeter()
    const batch = new Batch(meter)
    await batch.collect([want("a", [3, 2])], false)
    const told = await batch.collect([want("a", [5, 4, 3, 2, 1])], false)
    expect(meter.requests).toEqual([["a 2-3"], ["a 1-1", "a 4-5"]])
    expect(told[0]?.map(({ oldest, newest }) => [oldest, newest])).toEqual([
      [2, 3],
      [1, 1],
      [4, 5],
    ])
  })

  it("are as many requests as the limits need", async () => {
    const meter = new FakeMeter()
    const names = ["a", "b", "c", "d", "e", "f", "g"]
    await new Batch(meter).collect(
      names.map((name) => want(name)),
      false,
    )
    expect(meter.requests.map(({ length }) => length)).toEqual([3, 3, 1])
  })

  it("say which series an answer left out", async () => {
    const meter = new FakeMeter()
    meter.answers = () => ({ ok: true, value: ["a"], skewMs: null })
    const told = await new Batch(meter).collect([want("a"), want("b")], false)
    expect(values(told)).toEqual([["a"], [null]])
  })
})

describe("a request that is refused", () => {
  const names = ["a", "b", "c"]
  it.each(names)("because of %s alone is halved until the others have their answers", async (bad) => {
    const meter = new FakeMeter()
    meter.answers = (together) =>
      together.some(({ series }) => series.name === bad)
        ? refused
        : { ok: true, value: together.map(({ series }) => series.name), skewMs: null }
    const told = await new Batch(meter).collect(
      names.map((name) => want(name)),
      false,
    )
    expect(values(told)).toEqual(names.map((name) => [name === bad ? "answered 400" : name]))
  })

  it("whole is not asked for ever: the search has an end", async () => {
    const meter = new FakeMeter()
    meter.answers = () => refused
    meter.pack = (asked) => [[...asked]]
    const all = Array.from({ length: 200 }, (_, i) => want(`s${i}`))
    const told = await new Batch(meter).collect(all, false)
    expect(told.every(([one]) => one?.read.ok === false)).toBe(true)
    expect(meter.requests.length).toBeLessThanOrEqual(17)
  })

  it("by missing keys, or not answered, is not asked again", async () => {
    for (const answer of [silent, { ok: false, why: "403", credentials: true } as const]) {
      const meter = new FakeMeter()
      meter.answers = () => answer
      await new Batch(meter).collect(
        names.map((name) => want(name)),
        false,
      )
      expect(meter.requests).toHaveLength(1)
    }
  })
})

describe("requests under way", () => {
  const many = Array.from({ length: 60 }, (_, i) => want(`s${i}`))

  it("are at most as many as allowed at one place", async () => {
    const meter = new FakeMeter()
    await new Batch(meter, { limit: 4 }).collect(many, false)
    expect(meter.requests).toHaveLength(20)
    expect(meter.mostInFlight).toBe(4)
  })

  it("at one place do not hold up another", async () => {
    const meter = new FakeMeter()
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    meter.answers = async (together) => {
      if (together[0]?.series.place === "hung") await held
      return { ok: true, value: together.map(({ series }) => series.name), skewMs: null }
    }
    const batch = new Batch(meter, { limit: 1 })
    const hung = batch.collect([want("a", [1], "hung"), want("b", [1], "hung")], false)
    expect(values(await batch.collect([want("c", [1], "fine")], false))).toEqual([["c"]])
    release()
    expect(values(await hung)).toEqual([["a"], ["b"]])
  })

  it("end where a place does not answer: the rest is not asked, and says so", async () => {
    const meter = new FakeMeter()
    meter.answers = () => new Error("ECONNREFUSED")
    const told = await new Batch(meter, { limit: 4 }).collect(many, false)
    // Four fail, and three more are on their way before the fourth failure is known.
    expect(meter.requests).toHaveLength(7)
    const said = values(told).flat()
    expect(said.slice(0, 21)).toEqual(Array(21).fill("ECONNREFUSED"))
    expect(new Set(said.slice(21))).toEqual(
      new Set([expect.stringMatching(/^not asked, because \d+ questions before had no answer$/)]),
    )
  })
})
