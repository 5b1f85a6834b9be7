import { describe, expect, it } from "vitest"
import { planScaleUp } from "../../lib/decision/plan.ts"
import { missingServers } from "../../lib/decision/state/missing-servers.ts"
import { reconcile } from "../../lib/decision/transitions/reconcile.ts"
import { digest } from "../../lib/digest.ts"
import { readSupernode } from "../../lib/huawei/supernode.ts"
import {
  alarmOf,
  MINUTE,
  NOW,
  policyOf,
  ruleInput,
  SUPERNODE_ID,
  serversOf,
  situationOf,
  stateWith,
  supernodeOf,
  tickOf,
} from "../decision/builders.ts"
import { FakeCloudEye } from "./cloud-eye/fake-cloud-eye.ts"
import { readMetrics } from "./read-alone.ts"

// The cloud writes the same id sometimes in small letters and sometimes in capitals. Each row is one place
// that compares ids, and its result, which must not depend on their case.

type Writing = (id: string) => string
const SMALL: Writing = (id) => id.toLowerCase()
const CAPITALS: Writing = (id) => id.toUpperCase()

const EYE = { namespace: "AGT.ECS", name: "npu_util_rate_ai_core", period: "5m" } as const
const supernode = supernodeOf()

async function readingBy(
  metric: object,
  {
    fake = new FakeCloudEye(),
    signal = tickOf(),
  }: { fake?: FakeCloudEye; signal?: ReturnType<typeof alarmOf> | ReturnType<typeof tickOf> },
) {
  const rules = [ruleInput({ metric } as Parameters<typeof ruleInput>[0])]
  return (await readMetrics({ policy: policyOf({ rules }), supernode, signal, now: NOW }, fake))[0]
}

const PLACES: [place: string, resultFor: (write: Writing) => unknown][] = [
  [
    "the supernode's id in getHyperinstance",
    (write) => {
      const json = { id: write(SUPERNODE_ID), status: "ACTIVE", servers: [] }
      const reader = {
        read: async (_: unknown, parse: (json: unknown, at: number) => unknown) => parse(json, NOW),
        close: async () => undefined,
      }
      return readSupernode(reader as never, { endpoint: "https://x", projectId: "p", id: SUPERNODE_ID })
    },
  ],
  [
    "a server listed twice",
    (write) => {
      const json = { id: SUPERNODE_ID, servers: [{ id: "s1" }, { id: write("s1") }] }
      const reader = {
        read: async (_: unknown, parse: (json: unknown, at: number) => { ok: boolean }) =>
          parse(json, NOW).ok,
        close: async () => undefined,
      }
      return readSupernode(reader as never, { endpoint: "https://x", projectId: "p", id: SUPERNODE_ID })
    },
  ],
  [
    "servers that the ledger knows",
    (write) => {
      const state = stateWith({ servers: ["s1", "s2"].map(write) })
      return [missingServers(state, supernode), reconcile(situationOf({ state, signal: tickOf() }))]
    },
  ],
  [
    "present servers in the plan's hash",
    (write) => {
      const servers = serversOf(2).map((server) => ({ ...server, id: write(server.id) }))
      const situation = situationOf({ supernode: { state: "read", value: supernodeOf({ servers }) } })
      return planScaleUp(
        situation,
        { from: 2, to: 4, flavor: "rung-4" } as Parameters<typeof planScaleUp>[1],
        digest,
      )
    },
  ],
  [
    "dimensions in Cloud Eye's response",
    (write) => {
      const fake = new FakeCloudEye()
      fake.alter = (series) => [
        {
          ...series,
          dimensions: series.dimensions.map(({ name, value }) => ({ name, value: write(value) })),
        },
      ]
      return readingBy({ "cloud-eye": EYE }, { fake })
    },
  ],
  [
    'series that "*" matches, in Cloud Eye\'s list',
    async (write) => {
      const fake = new FakeCloudEye()
      fake.listed = ["s1", "s2"].map((server) => ({
        namespace: EYE.namespace,
        metric_name: EYE.name,
        dimensions: [
          { name: "instance_id", value: write(`ecs-${server}`) },
          { name: "npu", value: "0" },
        ],
      }))
      const dimensions = { instance_id: "{server.cloud_server.hps_ecs_id}", npu: "*" }
      return readingBy({ "cloud-eye": { ...EYE, dimensions } }, { fake })
    },
  ],
  [
    "the resource that an alarm names",
    (write) => {
      const points = [{ at: NOW - 10 * MINUTE, value: 97 }]
      const signal = alarmOf({ resource: { instance_id: write("ecs-s2") }, points, periodMs: 5 * MINUTE })
      return readingBy(
        { alarm: { metric: EYE.name } },
        { signal: { ...signal, metric: { ...EYE, unit: null } } },
      )
    },
  ],
  [
    "a label of Prometheus",
    (write) => {
      const fake = new FakeCloudEye()
      fake.prometheus = async () =>
        ({
          ok: true,
          skewMs: null,
          value: [{ labels: { node: write("ecs-s2") }, points: [{ at: NOW - 5 * MINUTE, value: 97 }] }],
        }) as never
      const source = { url: "https://prometheus.test", query: "x", period: "5m", server_label: "node" }
      return readingBy({ prometheus: source }, { fake })
    },
  ],
]

describe("an id in other case is the same id", () => {
  it.each(PLACES)("an id in upper or lower case is the same id: %s", async (_place, resultFor) => {
    const plain = await resultFor(SMALL)
    expect(plain).toBeDefined()
    expect(JSON.stringify(plain)).not.toMatch(/left out|not this supernode|no such|could not be read/)
    expect(await resultFor(CAPITALS)).toEqual(plain)
  })
})
