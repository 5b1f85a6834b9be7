import { describe, expect, it } from "vitest"
import { Batch } from "../../../lib/metrics/batching/batch.ts"
import { limiterOf } from "../../../lib/metrics/batching/concurrency.ts"
import {
  type MeterKind,
  type PeriodRange,
  Requests,
  type SeriesAnswer,
  type Want,
} from "../../../lib/metrics/batching/requests.ts"
import type { Read } from "../../../lib/ports.ts"

interface Asked {
  name: string
  place: string
}

/** A meter that takes three series per request, returns the name of each, and records its requests. */
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

/** Waits for several turns of the event loop, so that every request that is due is sent. */
async function turns(count = 5): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(setImmediate)
}

/** A batch whose members have joined, its time, and the waits that it began, which the test can end. */
function batchOf(meter: FakeMeter, { members = 1, limit = 4 } = {}) {
  const waits: { ms: number; end: () => void }[] = []
  const time = { ms: 0 }
  const batch = new Batch(new Requests(meter, limiterOf(limit)), {
    after(ms, end) {
      const wait = { ms, end }
      waits.push(wait)
      return () => {
        if (waits.includes(wait)) waits.splice(waits.indexOf(wait), 1)
      }
    },
    monotonic: () => time.ms,
  })
  return { batch, members: Array.from({ length: members }, () => batch.join()), waits, time }
}

/** Requests the wants of one supernode that is alone in its batch. */
function ask(meter: FakeMeter, wants: Want<Asked>[], options = {}): Promise<SeriesAnswer<string>[][]> {
  return (batchOf(meter, options).members[0] as ReturnType<Batch<Asked, string>["join"]>).ask(wants)
}

describe("the wants of one chunk", () => {
  it("supernodes that join one batch of metric requests share one request, however far apart they are ready", async () => {
    const meter = new FakeMeter()
    const { members, waits } = batchOf(meter, { members: 3 })
    const first = members[0]?.ask([want("a")])
    await turns()
    const second = members[1]?.ask([want("b")])
    await turns()
    expect(meter.requests).toEqual([])
    expect(waits.map(({ ms }) => ms)).toEqual([300, 20])
    const third = members[2]?.ask([want("a"), want("c")])
    expect(values((await Promise.all([first, second, third])).flatMap((one) => one ?? []))).toEqual([
      ["a"],
      ["b"],
      ["a"],
      ["c"],
    ])
    expect(meter.requests).toEqual([["a 1-3", "b 1-3", "c 1-3"]])
    expect(waits).toEqual([])
  })

  it("a batch of metric requests does not wait for a supernode that leaves the batch, even if it leaves twice", async () => {
    const meter = new FakeMeter()
    const { members } = batchOf(meter, { members: 3 })
    members[1]?.leave()
    const answers = members[0]?.ask([want("a")])
    members[1]?.leave()
    await turns()
    expect(meter.requests).toEqual([])
    members[2]?.leave()
    expect(values((await answers) ?? [])).toEqual([["a"]])
  })

  it.each([300, 20])(
    "a metrics batch is sent after %i ms without further waiting, and late supernodes request only new series",
    async (ms) => {
      const meter = new FakeMeter()
      const { batch, members, waits } = batchOf(meter, { members: 5 })
      const end = () => waits.find((wait) => wait.ms === ms)?.end()
      const inTime = Promise.all([members[0]?.ask([want("a")]), members[1]?.ask([want("b")])])
      expect(batch.isSent).toBe(false)
      end()
      expect(batch.isSent).toBe(true)
      expect(values((await inTime).flatMap((one) => one ?? []))).toEqual([["a"], ["b"]])
      expect(waits).toEqual([])
      const late = Promise.all([members[2]?.ask([want("a"), want("c")]), members[3]?.ask([want("d")])])
      end()
      expect(values((await late).flatMap((one) => one ?? []))).toEqual([["a"], ["c"], ["d"]])
      expect(values((await members[4]?.ask([want("d"), want("e")])) ?? [])).toEqual([["d"], ["e"]])
      expect(meter.requests).toEqual([["a 1-3", "b 1-3"], ["c 1-3", "d 1-3"], ["e 1-3"]])
      expect(waits).toEqual([])
    },
  )

  it("a metrics batch waits 300 ms from its first ready supernode and 20 ms from its last", async () => {
    const { members, waits } = batchOf(new FakeMeter(), { members: 3 })
    void members[0]?.ask([want("a")])
    const [whole, gap] = waits
    void members[1]?.ask([want("b")])
    expect(waits).toHaveLength(2)
    expect(waits).toContain(whole)
    expect(waits).not.toContain(gap)
  })

  it.each([
    ["at least 20 ms", [0], 20],
    ["in proportion to the time of the first", [24], 36],
    ["in proportion to the longest pause", [2, 30, 3], 45],
    ["at most 50 ms", [400], 50],
  ])("a metrics batch waits after its last ready supernode %s", (_title, pausesMs, gapMs) => {
    const { members, waits, time } = batchOf(new FakeMeter(), { members: pausesMs.length + 1 })
    for (const [i, pauseMs] of pausesMs.entries()) {
      time.ms += pauseMs
      void members[i]?.ask([want("a")])
    }
    expect(waits.map(({ ms }) => ms)).toEqual([300, gapMs])
  })

  it("a supernode's second request to a metrics batch does not wait for other supernodes", async () => {
    const meter = new FakeMeter()
    const { members, waits } = batchOf(meter, { members: 2 })
    const first = members[0]?.ask([want("a")])
    expect(values((await members[0]?.ask([want("b")])) ?? [])).toEqual([["b"]])
    expect(meter.requests).toEqual([["b 1-3"]])
    waits[0]?.end()
    expect(values((await first) ?? [])).toEqual([["a"]])
  })

  it("a metrics batch requests each series once, even if the series is wanted again or its request failed", async () => {
    const meter = new FakeMeter()
    meter.answers = ([one]) =>
      one?.series.name === "bad" ? silent : { ok: true, value: ["a"], skewMs: null }
    const { batch } = batchOf(meter, { members: 0 })
    const asks = (name: string) => batch.join().ask([want(name)])
    expect(values([...(await asks("a")), ...(await asks("a"))])).toEqual([["a"], ["a"]])
    expect(values([...(await asks("bad")), ...(await asks("bad"))])).toEqual([["no answer"], ["no answer"]])
    expect(meter.requests).toHaveLength(2)
  })

  it("a metrics batch requests only the periods that it has not requested yet", async () => {
    const meter = new FakeMeter()
    const { batch } = batchOf(meter, { members: 0 })
    await batch.join().ask([want("a", [3, 2])])
    const told = await batch.join().ask([want("a", [5, 4, 3, 2, 1])])
    expect(meter.requests).toEqual([["a 2-3"], ["a 1-1", "a 4-5"]])
    expect(told[0]?.map(({ oldest, newest }) => [oldest, newest])).toEqual([
      [2, 3],
      [1, 1],
      [4, 5],
    ])
  })

  it("a metrics batch sends as many requests as the limits of the source need", async () => {
    const meter = new FakeMeter()
    const names = ["a", "b", "c", "d", "e", "f", "g"]
    await ask(
      meter,
      names.map((name) => want(name)),
    )
    expect(meter.requests.map(({ length }) => length)).toEqual([3, 3, 1])
  })

  it("a metrics batch reports which series a response left out", async () => {
    const meter = new FakeMeter()
    meter.answers = () => ({ ok: true, value: ["a"], skewMs: null })
    const told = await ask(meter, [want("a"), want("b")])
    expect(values(told)).toEqual([["a"], [null]])
  })
})

describe("a request that is refused", () => {
  const names = ["a", "b", "c"]
  it.each(names)(
    "a metrics request that is refused because of series %s is halved until the other series have their values",
    async (bad) => {
      const meter = new FakeMeter()
      meter.answers = (together) =>
        together.some(({ series }) => series.name === bad)
          ? refused
          : { ok: true, value: together.map(({ series }) => series.name), skewMs: null }
      const told = await ask(
        meter,
        names.map((name) => want(name)),
      )
      expect(values(told)).toEqual(names.map((name) => [name === bad ? "answered 400" : name]))
    },
  )

  it("a metrics batch sends at most 17 requests for 200 series even if the source refuses every request", async () => {
    const meter = new FakeMeter()
    meter.answers = () => refused
    meter.pack = (asked) => [[...asked]]
    const all = Array.from({ length: 200 }, (_, i) => want(`s${i}`))
    const told = await ask(meter, all)
    expect(told.every(([one]) => one?.read.ok === false)).toBe(true)
    expect(meter.requests.length).toBeLessThanOrEqual(17)
  })

  it("a metrics request that fails for lack of keys or of a response is not repeated", async () => {
    for (const answer of [silent, { ok: false, why: "403", credentials: true } as const]) {
      const meter = new FakeMeter()
      meter.answers = () => answer
      await ask(
        meter,
        names.map((name) => want(name)),
      )
      expect(meter.requests).toHaveLength(1)
    }
  })
})

describe("requests in flight", () => {
  const many = Array.from({ length: 60 }, (_, i) => want(`s${i}`))

  it("metrics requests in flight to one host or region do not exceed their limit", async () => {
    const meter = new FakeMeter()
    await ask(meter, many)
    expect(meter.requests).toHaveLength(20)
    expect(meter.mostInFlight).toBe(4)
  })

  it("metrics requests in flight to one host or region do not delay requests to another host", async () => {
    const meter = new FakeMeter()
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    meter.answers = async (together) => {
      if (together[0]?.series.place === "hung") await held
      return { ok: true, value: together.map(({ series }) => series.name), skewMs: null }
    }
    const { batch } = batchOf(meter, { members: 0, limit: 1 })
    const hung = batch.join().ask([want("a", [1], "hung"), want("b", [1], "hung")])
    expect(values(await batch.join().ask([want("c", [1], "fine")]))).toEqual([["c"]])
    release()
    expect(values(await hung)).toEqual([["a"], ["b"]])
  })

  it("metrics requests to a host that does not respond are given up, and each skipped series has that reason", async () => {
    const meter = new FakeMeter()
    meter.answers = () => new Error("ECONNREFUSED")
    const told = await ask(meter, many)
    // Four requests fail, and three more are in flight before the fourth failure is known.
    expect(meter.requests).toHaveLength(7)
    const said = values(told).flat()
    expect(said.slice(0, 21)).toEqual(Array(21).fill("ECONNREFUSED"))
    expect(new Set(said.slice(21))).toEqual(
      new Set([expect.stringMatching(/^not sent, because the previous \d+ requests got no response$/)]),
    )
  })
})
