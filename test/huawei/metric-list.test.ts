import { afterEach, describe, expect, it } from "vitest"
import { type HuaweiCloud, huaweiCloud } from "../../lib/huawei/client.ts"
import { type Sandbox, startSandbox } from "../../lib/sandbox/sandbox.ts"
import { DEFAULT_ACCESS_KEY, DEFAULT_SUPERNODE } from "../../lib/sandbox/world/defaults.ts"
import { answer, says, startWire } from "./wire.ts"

const PLACE = { region: DEFAULT_SUPERNODE.region ?? "", projectId: DEFAULT_SUPERNODE.projectId }
const open: { close(): Promise<unknown> }[] = []

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

function cloudAt(ces: string, now = Date.now): HuaweiCloud {
  const cloud = huaweiCloud({
    credentials: async () => ({ ...DEFAULT_ACCESS_KEY, securityToken: null }),
    clock: { now, monotonic: () => performance.now() },
    endpoints: { ces },
    timeouts: { backoffMs: 0 },
  })
  open.push(cloud)
  return cloud
}

async function sandboxOf(servers: number, npus: number): Promise<{ sandbox: Sandbox; cloud: HuaweiCloud }> {
  const sandbox = await startSandbox({ supernodes: [{ ...DEFAULT_SUPERNODE, servers, npus }] })
  open.push(sandbox)
  return { sandbox, cloud: cloudAt(sandbox.url, () => sandbox.now()) }
}

describe("GET /V1.0/{project_id}/metrics", () => {
  it("a signed request to list metrics keeps its filters and each character of a dimension", async () => {
    const { sandbox, cloud } = await sandboxOf(2, 1)
    const instance = DEFAULT_SUPERNODE.instanceIds?.[0] ?? ""
    const dimensions = [{ name: "instance_id", value: instance }]
    const page = await cloud.listMetrics(PLACE, {
      namespace: "AGT.ECS",
      metricName: "npu_util_rate_ai_core",
      dimensions,
    })
    const metric = { namespace: "AGT.ECS", metric_name: "npu_util_rate_ai_core" }
    expect(page).toMatchObject({
      ok: true,
      value: {
        metrics: [
          { ...metric, dimensions: [...dimensions, { name: "npu", value: "0" }] },
          { ...metric, dimensions },
        ],
        next: null,
      },
    })
    await cloud.listMetrics(PLACE, { dimensions: [{ name: "mount", value: "/a b+c*~é&d=1" }] })
    expect(sandbox.requests.map(({ answer: got }) => got?.status)).toEqual([200, 200])
    expect(new URLSearchParams(sandbox.requests[1]?.url.split("?")[1]).get("dim.0")).toBe(
      "mount,/a b+c*~é&d=1",
    )
  })

  it("a full page of a list of metrics leads to the next page by its marker, and a page with room is the last", async () => {
    const { cloud } = await sandboxOf(48, 20)
    const first = await cloud.listMetrics(PLACE, {})
    expect(first.ok && first.value.metrics.length).toBe(1_000)
    const start = (first.ok ? first.value.next : null) ?? ""
    const second = await cloud.listMetrics(PLACE, { start })
    expect(second).toMatchObject({ ok: true, value: { next: null } })
    expect(second.ok && second.value.metrics.length).toBe(48 * 21 - 1_000)
  })

  it.each<[string, string, object]>([
    [
      "a response without a list is unreadable",
      answer(200, {}),
      { ok: false, why: expect.stringMatching(/no list `metrics`/) },
    ],
    [
      "a response without meta_data is the last page",
      answer(200, { metrics: [] }),
      { ok: true, value: { metrics: [], next: null } },
    ],
    [
      "an element that is not a metric makes the list unreadable",
      answer(200, { metrics: [{ namespace: "A.B" }, null], meta_data: {} }),
      { ok: false, refused: true, why: expect.stringMatching(/a series that cannot be read/) },
    ],
    [
      "a null list is empty",
      answer(200, { metrics: null }),
      { ok: true, value: { metrics: [], next: null } },
    ],
    [
      "a refusal is reported as refused",
      answer(400, { error_code: "ces.0014", error_msg: "no" }),
      { ok: false, refused: true },
    ],
    [
      "missing rights are reported as a problem of credentials",
      answer(403, { error_code: "ces.0017" }),
      { ok: false, credentials: true },
    ],
  ])("reading a list of metrics: %s", async (_, text, expected) => {
    const wire = await startWire(says(text))
    open.push(wire)
    const page = await cloudAt(`http://127.0.0.1:${wire.port}`).listMetrics(PLACE, {})
    expect(page).toMatchObject(expected)
    expect(wire.requestLines()).toBe(1)
  })
})
