import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { type CloudWatchReader, cloudwatchReader } from "../../../lib/metrics/cloudwatch/client.ts"
import type { CloudWatchMetric, CloudWatchQuery } from "../../../lib/metrics/sources.ts"
import { CloudWatchServer, fail } from "./server.ts"

const AT = Date.parse("2024-01-12T17:00:00Z")
const MINUTE = 60_000
const credentials = { accessKeyId: "AN-AK", secretAccessKey: "hush-hush" }

let server: CloudWatchServer
let reader: CloudWatchReader

beforeEach(async () => {
  server = await CloudWatchServer.start()
  reader = cloudwatchReader({ endpoint: server.url, credentials })
})

afterEach(async () => {
  reader.close()
  await server.close()
})

const metricOf = (over: Partial<CloudWatchMetric> = {}): CloudWatchMetric => ({
  namespace: "App",
  name: "queue",
  dimensions: [{ name: "cluster", value: "train-a" }],
  statistic: "Average",
  periodMs: MINUTE,
  ...over,
})

function asking(metrics: CloudWatchMetric[] = [metricOf()]): CloudWatchQuery {
  return { region: "eu-central-1", from: AT - 3 * MINUTE, to: AT, metrics }
}

const THREE = [1, 2, 3].map((back) => ({ at: AT - back * MINUTE, value: 97 }))
const whole = { points: THREE, problem: null, credentials: false }

describe("GetMetricData", () => {
  it("a GetMetricData request to CloudWatch is signed, asks for all metrics, and keeps their order", async () => {
    server.valueAt = ({ Metric }) => (Metric.MetricName === "other" ? 12 : 97)
    const other = metricOf({ name: "other", statistic: "p99.5", dimensions: [], periodMs: 3 * MINUTE })
    expect(await reader.read(asking([metricOf(), other]))).toEqual({
      ok: true,
      value: [whole, { points: [{ at: AT - 3 * MINUTE, value: 12 }], problem: null, credentials: false }],
      skewMs: null,
    })
    expect(server.asked).toEqual([
      {
        MetricDataQueries: [
          {
            Id: "m0",
            MetricStat: {
              Metric: {
                Namespace: "App",
                MetricName: "queue",
                Dimensions: [{ Name: "cluster", Value: "train-a" }],
              },
              Period: 60,
              Stat: "Average",
            },
          },
          {
            Id: "m1",
            MetricStat: {
              Metric: { Namespace: "App", MetricName: "other", Dimensions: [] },
              Period: 180,
              Stat: "p99.5",
            },
          },
        ],
        StartTime: AT / 1_000 - 180,
        EndTime: AT / 1_000,
        ScanBy: "TimestampDescending",
        MaxDatapoints: 100_800,
      },
    ])
    expect(server.authorizations[0]).toMatch(
      /Credential=AN-AK\/\d{8}\/eu-central-1\/monitoring\/aws4_request/,
    )
  })

  it("a GetMetricData response is read to its last page, since a metric may continue there", async () => {
    server.alter = ([result], { NextToken: token }) => {
      const { Timestamps = [], Values = [] } = result ?? {}
      const page = token === undefined ? 0 : Number(token)
      const part = { Id: "m0", Timestamps: [Timestamps[page] ?? 0], Values: [Values[page] ?? 0] }
      return page < 2
        ? { MetricDataResults: [{ ...part, StatusCode: "PartialData" }], NextToken: String(page + 1) }
        : { MetricDataResults: [{ ...part, StatusCode: "Complete" }] }
    }
    expect(await reader.read(asking())).toMatchObject({ ok: true, value: [whole] })
    expect(server.asked.map(({ NextToken: token }) => token)).toEqual([undefined, "1", "2"])
  })

  it("a GetMetricData response is refused after 20 pages without an end", async () => {
    server.alter = () => ({ MetricDataResults: [], NextToken: "again" })
    expect(await reader.read(asking())).toMatchObject({
      ok: false,
      refused: true,
      why: expect.stringMatching(/more than 20 pages/),
    })
    expect(server.asked).toHaveLength(20)
  })

  it.each([
    ["PartialData", false],
    ["InternalError", false],
    ["Forbidden", true],
    ["SomethingNew", false],
  ])(
    "a CloudWatch metric of status %s has no data and gives a reason, and other metrics keep their data",
    async (status, isKeys) => {
      server.alter = ([first, second]) => ({
        MetricDataResults: [
          { ...first, Id: "m0", StatusCode: status, Messages: [{ Code: "x", Value: "ask\nlater" }] },
          ...(second ? [second] : []),
        ],
      })
      expect(await reader.read(asking([metricOf(), metricOf({ name: "other" })]))).toMatchObject({
        ok: true,
        value: [
          {
            points: [],
            problem: `CloudWatch returned ${status} for the series: ask later`,
            credentials: isKeys,
          },
          whole,
        ],
      })
    },
  )

  it("a metric that CloudWatch's response leaves out is reported, and a metric not requested is ignored", async () => {
    server.alter = ([first]) => ({
      MetricDataResults: [
        { ...first, Id: "m7" },
        { ...first, Id: "hush" },
      ],
    })
    expect(await reader.read(asking())).toMatchObject({
      value: [{ points: [], problem: "CloudWatch's response lacks the series" }],
    })
  })
})

describe("failures of CloudWatch", () => {
  it.each([
    ["AccessDenied", 403],
    ["ExpiredTokenException", 400],
    ["UnrecognizedClientException", 400],
    ["InvalidSignatureException", 403],
  ])("the CloudWatch error %s counts as a failure of the keys", async (code, status) => {
    server.instead = (response) => {
      fail(response, status, code, "User: arn:aws:sts::1:role is not authorized")
      return true
    }
    const read = await reader.read(asking())
    expect(read).toMatchObject({
      ok: false,
      credentials: true,
      why: expect.stringMatching(
        /GetMetricData in eu-central-1 .*not authorized.*; the role needs cloudwatch:GetMetricData/,
      ),
    })
    expect(JSON.stringify(read)).not.toContain("hush")
  })

  it("an invalid CloudWatch query counts as refused and is not repeated", async () => {
    server.instead = (response) => {
      fail(response, 400, "InvalidParameterValueException", "The value m0 is bad")
      return true
    }
    expect(await reader.read(asking())).toMatchObject({ ok: false, refused: true, credentials: false })
    expect(server.asked).toHaveLength(1)
  })

  it("a request that fails because of CloudWatch itself is sent three times in all", async () => {
    server.instead = (response) => {
      if (server.asked.length === 3) return false
      fail(response, 500, "InternalServiceFault", "try again")
      return true
    }
    expect(await reader.read(asking())).toMatchObject({ ok: true })
    expect(server.asked).toHaveLength(3)
    server.asked.length = 4
    expect(await reader.read(asking())).toMatchObject({ ok: false, why: expect.stringMatching(/try again/) })
    expect(server.asked).toHaveLength(7)
  })

  it("a request to a silent CloudWatch ends after the time limit and does not count as refused", async () => {
    server.instead = () => true
    const hasty = cloudwatchReader({
      endpoint: server.url,
      credentials,
      timeouts: { tryMs: 20, totalMs: 50 },
    })
    const read = await hasty.read(asking())
    expect(read).toMatchObject({ ok: false, credentials: false })
    expect(read).not.toHaveProperty("refused")
    hasty.close()
  })
})
