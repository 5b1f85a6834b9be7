import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { loadPolicyFile } from "../../lib/policy-file/load.ts"
import { load } from "./policy-files.ts"

const EXAMPLE = "examples/policy.yaml"
const file = await loadPolicyFile(EXAMPLE)

describe("the example policy", () => {
  it("the example policy has no problems, and no warnings except those that it silences with a reason", () => {
    expect(file.warnings).toEqual([])
    expect(file.silenced.map(({ path }) => path)).toEqual([
      "approvers",
      "fleet.actions",
      "fleet.budget",
      "supernodes.0.rules.2.metric.alarm",
    ])
  })

  it("the policy examples/first-run.yaml has no warnings", async () => {
    expect((await loadPolicyFile("examples/first-run.yaml")).warnings).toEqual([])
  })

  it("the example policy's first line names the JSON Schema in docs/, so that editors can check the policy", () => {
    expect(readFileSync(EXAMPLE, "utf8").split("\n")[0]).toBe(
      "# yaml-language-server: $schema=../docs/policy.schema.json",
    )
  })

  it("the example policy's topics and webhook are read, and the webhook is not in the supernodes' policies", () => {
    expect(file.smnTopics).toEqual([
      "urn:smn:cn-southwest-2:0123456789abcdef0123456789abcdef:supernode-alarms",
    ])
    expect(file.snsTopics).toEqual(["arn:aws:sns:eu-central-1:123456789012:supernode-alarms"])
    expect(file.notify).toMatchObject([
      { kind: "webhook", address: "https://hooks.example.com/T0/B0/x", format: "json" },
    ])
    expect(JSON.stringify(file.supernodes)).not.toContain("hooks.example.com")
  })

  it("the example policy gives the expected effective policy", () => {
    const bytes = readFileSync("examples/boot.sh")
    expect(file.supernodes.map(({ policy }) => policy)).toEqual([
      {
        name: "train-a",
        approvers: ["ann", "bob", "carol"].map((name) => ({ name })),
        region: "cn-southwest-2",
        projectId: "0123456789abcdef0123456789abcdef",
        id: "b4beacb6-4380-448c-a218-daa82cf03f5d",
        alarms: [
          {
            "cloud-eye": "al1704475580412b2a4lnr3W",
            metric: "npu_util_rate_ai_core",
            namespace: "AGT.ECS",
          },
          { cloudwatch: "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:npu-busy" },
          { alertmanager: { alertname: "NpuBusy", cluster: "train-a" } },
        ],
        rules: [
          {
            name: "npu-busy",
            metric: {
              "cloud-eye": {
                namespace: "AGT.ECS",
                name: "npu_util_rate_ai_core",
                dimensions: { instance_id: "{server.cloud_server.hps_ecs_id}" },
                statistic: "average",
                period: 300_000,
              },
              servers: "all",
              aggregate: "average",
              quorum: 1,
              lag: 60_000,
            },
            compare: { op: "above", value: 85 },
            clear: 70,
            points: { m: 3, n: 5 },
            missing: "hold",
            repeat: true,
            steps: [],
          },
          {
            name: "queue-long",
            metric: {
              prometheus: {
                url: "http://prometheus:9090",
                query: "sum(vllm:num_requests_waiting)",
                period: 60_000,
              },
              servers: "all",
              aggregate: "average",
              quorum: 1,
              lag: 60_000,
            },
            compare: null,
            clear: null,
            points: { m: 5, n: 5 },
            missing: "hold",
            repeat: true,
            steps: [
              { from: 50, to: 200, up: 1 },
              { from: 200, to: null, up: 2 },
            ],
          },
          {
            name: "alarm-says-so",
            metric: { alarm: true, servers: "all", aggregate: "average", quorum: 1, lag: 60_000 },
            compare: { op: "above", value: 90 },
            clear: null,
            points: { m: 1, n: 1 },
            missing: "hold",
            repeat: true,
            steps: [],
          },
        ],
        ladder: [
          {
            flavor: "kat3ne-8.48xlarge.8.800t.matrix",
            servers: 1,
            price: { minor: 6_000_000, currency: "CNY", per: "month", periods: 1 },
          },
          {
            flavor: "kat3ne-16-400t.96xlarge.8.matrix",
            servers: 2,
            price: { minor: 12_000_000, currency: "CNY", per: "month", periods: 1 },
          },
          {
            flavor: "kat3ne-32-800t.192xlarge.8.matrix",
            servers: 4,
            price: { minor: 24_000_000, currency: "CNY", per: "month", periods: 1 },
          },
        ],
        soldOut: "hold",
        order: {
          image_id: "f4059eb4-c2f5-46a8-9b33-6cbed5d3fc81",
          key_pair_name: "KeyPair-42c4",
          root_volume: { size: 200, type: "ESSD" },
          data_volume: { size: 1000, type: "GPSSD", count: 2 },
          userdata: { sha256: expect.stringMatching(/^sha256:[0-9a-f]{64}$/), bytes: bytes.length },
        },
        limits: {
          actions: { count: 2, perMs: 86_400_000 },
          servers: 48,
          budget: { minor: 50_000_000, currency: "CNY", per: 2_592_000_000 },
        },
        cooldownMs: 3_600_000,
        minIntervalMs: 1_800_000,
        warmupMs: 900_000,
        schedules: [
          {
            name: "weekday-mornings",
            cron: {
              text: "0 8 * * 1-5",
              minutes: [0],
              hours: [8],
              daysOfMonth: null,
              months: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
              daysOfWeek: [1, 2, 3, 4, 5],
            },
            forMs: 36_000_000,
            atLeast: 2,
            cooldown: "respect",
          },
        ],
        approval: { above: { minor: 15_000_000, currency: "CNY" }, approvers: 2, expires: 14_400_000 },
        unknownOutcome: "human",
        efficacy: { purchases: 2, minGain: 5 },
        armAfterMs: 86_400_000,
        timezone: "Asia/Shanghai",
        fleet: {
          actions: { count: 5, perMs: 86_400_000 },
          budget: { minor: 200_000_000, currency: "CNY", per: 2_592_000_000 },
        },
      },
    ])
  })

  it("the example policy gives the same effective policy if it is written as JSON", async () => {
    const { parse } = await import("yaml")
    const json = JSON.stringify(parse(readFileSync(EXAMPLE, "utf8")), null, 2)
    const { supernodes } = await load(json, { "boot.sh": readFileSync("examples/boot.sh") })
    expect(supernodes).toEqual(file.supernodes)
  })
})
