import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { readSignals, SignalError } from "../../lib/signals/read.ts"
import { NOW, problemsOf, replaced, sample, sampleWith, signalsOf } from "./sample.ts"

function nested(depth: number): unknown {
  let value: unknown = "bottom"
  for (let i = 0; i < depth; i += 1) value = [value]
  return value
}

describe("an unknown event", () => {
  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a number", 42],
    ["a list", []],
    ["a string", "ALARM"],
    ["a string of 10 MB", "x".repeat(10_000_000)],
    ["an empty object", {}],
    ["an S3 event", { Records: [{ eventSource: "aws:s3", s3: {} }] }],
    ["an Alertmanager body outside of HTTP", { version: "4", status: "firing", alerts: [] }],
    ["a prototype key", JSON.parse('{"__proto__":{"kind":"tick","time":"2024-01-12T16:50:00Z"}}')],
    ["a constructor key", { constructor: { prototype: { kind: "tick" } } }],
  ])("an unknown event is refused, and the refusal names the accepted event formats: %s", (_, event) => {
    const [problem] = problemsOf(event)
    expect(problem).toContain("the door accepts: SNS Records with a CloudWatch alarm")
  })

  test("the refusal of an unknown event lists all formats and cuts off no JSON", () => {
    const text = problemsOf({})[0]
    expect(text).toContain('{"kind":"tick","name","time"} · ')
    expect(text).toMatch(/manual request \{[^{}]*\}$/)
  })

  test("the alarm function's refusal of an unknown event lists formats of alarms only", () => {
    expect(problemsOf({}, "alarm")[0]).toMatch(/alarm door accepts: SNS .* EventBridge .* SMN/)
    expect(problemsOf({}, "alarm")[0]).not.toContain("manual request")
  })
})

test.each<[string, unknown, RegExp]>([
  [
    "a CloudWatch alarm without SNS",
    JSON.parse(
      (sample("sns-cloudwatch-alarm")["Records"] as { Sns: { Message: string } }[])[0]?.Sns.Message ?? "",
    ),
    /^the event is a CloudWatch alarm without the envelope of SNS: switch off .*RawMessageDelivery/,
  ],
  [
    "a Cloud Eye alarm without SMN",
    JSON.parse((sample("smn-http-notification")["body"] as { message: string }).message),
    /^the event is a Cloud Eye alarm without the envelope of SMN: send the whole SMN message/,
  ],
])("an alarm without its envelope is refused, naming the missing envelope: %s", (_, event, words) => {
  expect(problemsOf(event)).toEqual([expect.stringMatching(words)])
})

describe("a door takes its own events only", () => {
  test.each([
    ["sns-cloudwatch-alarm", "alarm"],
    ["eventbridge-cloudwatch-alarm", "alarm"],
    ["lambda-cloudwatch-alarm-action", "alarm"],
    ["functiongraph-smn-cloud-eye-alarm", "alarm"],
    ["eventbridge-schedule", "schedule"],
    ["eventbridge-scheduler", "schedule"],
    ["functiongraph-timer", "schedule"],
    ["manual-request", "manual"],
  ] as const)(
    "a function refuses events for other functions: %s is only for the %s function",
    (name, own) => {
      expect(signalsOf(sample(name), own)).toHaveLength(1)
      expect(signalsOf(sample(name), "any")).toHaveLength(1)
      for (const other of (["alarm", "schedule", "manual"] as const).filter((door) => door !== own)) {
        expect(problemsOf(sample(name), other)[0]).toContain(`which is for the ${own} door`)
      }
    },
  )

  test.each(["function-url-alertmanager", "function-url-grafana", "functiongraph-apig-alertmanager"])(
    "an HTTP request (%s) is refused as an event, and the refusal says that only a webhook reads it",
    (name) => {
      expect(problemsOf(sample(name))[0]).toContain("HTTP request, which only a webhook endpoint or")
    },
  )

  test("an event with the keys of an HTTP request and of a manual request is treated as an HTTP request", () => {
    const event = { ...sample("function-url-alertmanager"), ...sample("manual-request") }
    expect(problemsOf(event)[0]).toContain("HTTP request")
  })
})

describe("an event with several records", () => {
  const record = (sample("functiongraph-smn-cloud-eye-alarm")["record"] as unknown[])[0]
  const message = JSON.parse((record as { smn: { message: string } }).smn.message) as object
  const at = (time: number) => replaced(record, ["smn", "message"], JSON.stringify({ ...message, time }))

  test("an event with two records gives two signals", () => {
    expect(signalsOf({ record: [at(1_705_078_276_006), at(1_705_078_576_006)] })).toHaveLength(2)
  })

  test("an event that has the same alarm twice gives one signal", () => {
    expect(signalsOf({ record: [record, record] })).toHaveLength(1)
  })

  test("reports the unreadable records of an event as problems, and keeps the readable records", () => {
    const { signals, problems } = readSignals(
      { record: [{ smn: { message: "text" } }, record, null, 7] },
      "alarm",
      { now: NOW },
    )
    expect(signals).toHaveLength(1)
    expect(problems).toEqual([
      expect.stringContaining("record.0.smn.message: is not JSON"),
      "record.2: must be object, not null",
      "record.3: must be object, not number",
    ])
  })

  test("sorts the records of an event by their times, whatever their order in the batch", () => {
    const at = (minutes: number, alarm_status: string) => {
      const message = JSON.parse(cloudEyeText()) as { time: number }
      const moved = { ...message, alarm_status, time: message.time + minutes * 60_000 }
      return replaced(record, ["smn", "message"], JSON.stringify(moved))
    }
    const batch = { record: [at(2, "alarm"), at(1, "ok"), at(0, "alarm"), at(1, "alarm")] }
    const states = signalsOf(batch).map((signal) => signal.kind === "alarm" && signal.state)
    expect(states).toEqual(["alarm", "alarm", "ok", "alarm"])
  })

  test("reports the problems of all records together if no record of an event is readable", () => {
    expect(problemsOf({ record: [{ smn: {} }, { smn: { message: 5 } }] })).toEqual([
      "record.0.smn.message: is missing (string)",
      "record.1.smn.message: must be string, not number",
    ])
  })

  test("ignores malformed records that concern no supernode, and shortens a list of a thousand problems", () => {
    const stranger = replaced(record, ["smn", "message"], JSON.stringify({ alarm_id: "al1another" }))
    const broken = Array.from({ length: 1_000 }, () => ({ smn: {} }))
    const concerns = ({ alarm }: { alarm: string }) => alarm === "al1704475580412b2a4lnr3W"
    const read = (parts: unknown[]) => readSignals({ record: parts }, "alarm", { now: NOW, concerns })
    expect(read([stranger, record])).toMatchObject({ signals: [{}], problems: [] })
    expect(read([stranger])).toEqual({ signals: [], problems: [] })
    const { problems } = read([record, ...broken])
    expect(problems).toHaveLength(21)
    expect(problems.at(-1)).toBe("and 980 more such problems")
  })
})

describe("limits of untrusted JSON", () => {
  test("accepts an event of depth 20 and refuses an event of depth 21", () => {
    expect(signalsOf({ ...sample("eventbridge-scheduler"), extra: nested(19) })).toHaveLength(1)
    expect(problemsOf({ ...sample("eventbridge-scheduler"), extra: nested(20) })).toEqual([
      "the event nests deeper than 20 levels",
    ])
  })

  test("refuses an event that contains itself", () => {
    const event = sample("eventbridge-scheduler")
    event["self"] = event
    expect(problemsOf(event)).toEqual(["the event nests deeper than 20 levels"])
  })

  test("accepts 256 KB of text inside an event, and refuses text that is one byte longer", () => {
    const padded = (bytes: number) => {
      const message = { ...JSON.parse(cloudEyeText()), pad: "" } as { pad: string }
      message.pad = "x".repeat(bytes - JSON.stringify(message).length)
      return sampleWith(
        "functiongraph-smn-cloud-eye-alarm",
        ["record", 0, "smn", "message"],
        JSON.stringify(message),
      )
    }
    expect(signalsOf(padded(256 * 1024))).toHaveLength(1)
    expect(problemsOf(padded(256 * 1024 + 1))).toEqual(["record.0.smn.message: is larger than 256 KB"])
  })

  test("counts the size of text inside an event in bytes, not in letters", () => {
    const text = JSON.stringify({ pad: "é".repeat(140_000) })
    expect(
      problemsOf(sampleWith("functiongraph-smn-cloud-eye-alarm", ["record", 0, "smn", "message"], text)),
    ).toEqual(["record.0.smn.message: is larger than 256 KB"])
  })

  test("refuses text inside an event that nests too deep, before parsing it", () => {
    const text = "[".repeat(200_000)
    expect(problemsOf(sampleWith("sns-cloudwatch-alarm", ["Records", 0, "Sns", "Message"], text))).toEqual([
      "Records.0.Sns.Message: nests deeper than 20 levels",
    ])
  })

  test("does not count brackets inside the strings of an event as nesting", () => {
    const message = { ...JSON.parse(cloudEyeText()), default_content: `"${"[{".repeat(500)}\\` } as object
    expect(
      signalsOf(
        sampleWith(
          "functiongraph-smn-cloud-eye-alarm",
          ["record", 0, "smn", "message"],
          JSON.stringify(message),
        ),
      ),
    ).toHaveLength(1)
  })

  test("refuses an event of more than 250000 values", () => {
    expect(problemsOf({ kind: "tick", extra: Array.from({ length: 300_000 }, () => 0) })).toEqual([
      "the event contains more than 250000 values",
    ])
  })

  test("a problem of an event never repeats a megabyte of the event's text", () => {
    const problems = problemsOf({ ...sample("manual-request"), ["k".repeat(1_000_000)]: 1 })
    expect(problems.join().length).toBeLessThan(400)
  })
})

function cloudEyeText(): string {
  const event = sample("functiongraph-smn-cloud-eye-alarm") as { record: { smn: { message: string } }[] }
  return event.record[0]?.smn.message ?? ""
}

describe("any foreign event", () => {
  const doors = fc.constantFrom("alarm", "schedule", "manual", "any")
  const endsWell = (event: unknown, door: "alarm" | "schedule" | "manual" | "any") => {
    try {
      const { signals } = readSignals(event, door, { now: NOW })
      expect(signals.length).toBeGreaterThan(0)
      for (const { id } of signals) expect(id.length).toBeLessThanOrEqual(200)
    } catch (error) {
      if (!(error instanceof SignalError)) throw error
      expect(error.problems.length).toBeGreaterThan(0)
    }
  }

  test("any JSON value that is read as an event gives signals or a SignalError", () => {
    fc.assert(fc.property(fc.jsonValue(), doors, endsWell), { numRuns: 500 })
  })

  test("any JavaScript value that is read as an event gives signals or a SignalError", () => {
    fc.assert(
      fc.property(
        fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true }),
        doors,
        endsWell,
      ),
      {
        numRuns: 500,
      },
    )
  })

  const names = [
    "eventbridge-cloudwatch-alarm",
    "lambda-cloudwatch-alarm-action",
    "sns-cloudwatch-alarm",
    "functiongraph-smn-cloud-eye-alarm",
    "eventbridge-schedule",
    "functiongraph-timer",
    "manual-request",
  ]

  test.each(names)("%s with any one value replaced by any other gives signals or a SignalError", (name) => {
    const event = sample(name)
    fc.assert(
      fc.property(
        fc.constantFrom(...pathsOf(event)),
        fc.oneof(fc.jsonValue(), fc.string()),
        doors,
        (path, value, door) => endsWell(replaced(event, path, value), door),
      ),
      { numRuns: 200 },
    )
  })

  test.each([
    ["functiongraph-smn-cloud-eye-alarm", ["record", 0, "smn", "message"]],
    ["sns-cloudwatch-alarm", ["Records", 0, "Sns", "Message"]],
    ["eventbridge-cloudwatch-alarm", ["detail", "state", "reasonData"]],
  ] as const)(
    "%s with any one value of its inner JSON replaced gives signals or a SignalError",
    (name, path) => {
      const event = sample(name)
      const inner: unknown = JSON.parse(
        path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], event) as string,
      )
      fc.assert(
        fc.property(fc.constantFrom(...pathsOf(inner)), fc.jsonValue(), doors, (at, value, door) =>
          endsWell(replaced(event, path, JSON.stringify(replaced(inner, at, value))), door),
        ),
        { numRuns: 200 },
      )
    },
  )
})

/** Every path in a JSON value. */
function pathsOf(value: unknown): string[][] {
  if (typeof value !== "object" || value === null) return [[]]
  return [
    [],
    ...Object.entries(value).flatMap(([key, child]) => pathsOf(child).map((path) => [key, ...path])),
  ]
}
