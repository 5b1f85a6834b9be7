import { afterEach, describe, expect, it } from "vitest"
import { type HuaweiCloud, huaweiCloud } from "../../lib/huawei/client.ts"
import { endpointsOf } from "../../lib/huawei/endpoints.ts"
import { certificateFor } from "./certificates.ts"
import { send, startCloud, type TestCloud } from "./cloud.ts"
import { KEYS, POLICY, PROJECT, STILL, SUPERNODE } from "./fixture.ts"
import { lookupOf, orderTo } from "./purchase/order.ts"
import { answer, says, startWire, type Wire } from "./wire.ts"

const open: (TestCloud | HuaweiCloud | Wire)[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

describe("endpoints", () => {
  it("the endpoints of Huawei Cloud services are those of the given region", () => {
    expect(endpointsOf("cn-southwest-2")).toEqual({
      modelarts: "https://modelarts.cn-southwest-2.myhuaweicloud.com",
      ces: "https://ces.cn-southwest-2.myhuaweicloud.com",
      bss: "https://bss.myhuaweicloud.com",
      cts: "https://cts.cn-southwest-2.myhuaweicloud.com",
    })
  })

  it("ModelArts' endpoint in ap-southeast-1 ends in .cn, as documented, and billing has no endpoint there", () => {
    expect(endpointsOf("ap-southeast-1")).toEqual({
      modelarts: "https://modelarts.ap-southeast-1.myhuaweicloud.cn",
      ces: "https://ces.ap-southeast-1.myhuaweicloud.com",
      bss: null,
      cts: "https://cts.ap-southeast-1.myhuaweicloud.com",
    })
  })

  it("a ModelArts endpoint in the settings leaves billing and CTS without endpoints unless these are set, too", () => {
    const { bss, cts } = endpointsOf("cn-north-4", { modelarts: "http://localhost:1" })
    expect([bss, cts]).toEqual([null, null])
    expect(
      endpointsOf("cn-north-4", { modelarts: "http://localhost:1", cts: "http://localhost:2/" }).cts,
    ).toBe("http://localhost:2")
    expect(endpointsOf("ap-southeast-1", { bss: "https://bss-intl.myhuaweicloud.com/" }).bss).toBe(
      "https://bss-intl.myhuaweicloud.com",
    )
  })

  it("each Huawei Cloud endpoint can be overridden separately, and its trailing slash is removed", () => {
    expect(endpointsOf("ap-southeast-1", { modelarts: "http://localhost:1/x/", ces: undefined })).toEqual({
      modelarts: "http://localhost:1/x",
      ces: "https://ces.ap-southeast-1.myhuaweicloud.com",
      bss: null,
      cts: null,
    })
  })
})

describe("the Huawei Cloud client", () => {
  it("the Huawei Cloud client sends each request to its configured endpoint", async () => {
    const cloud = await startCloud((response, { url }) => {
      if (url.endsWith("/scale-evaluations"))
        return send(response, 200, { evaluations: [{ flavor: "f", is_sold_out: false }] })
      if (url.includes("/servers")) return send(response, 200, { total: 0, data: [] })
      if (url.startsWith("/ces/V1.0")) return send(response, 200, { metrics: [] })
      send(response, 200, { id: SUPERNODE, status: "ACTIVE", servers: [] })
    })
    const huawei = huaweiCloud({
      credentials: () => Promise.resolve(KEYS),
      clock: STILL,
      endpoints: { modelarts: cloud.url, ces: `${cloud.url}/ces` },
    })
    open.push(huawei, cloud)
    const metrics = [
      { namespace: "AGT.ECS", metric_name: "npu", dimensions: [{ name: "instance_id", value: "a" }] },
    ]
    const query = { metrics, from: 1, to: 2, period: "300", filter: "average" }
    expect(await huawei.readSupernode(POLICY)).toMatchObject({ ok: true, value: { status: "ACTIVE" } })
    expect(await huawei.listServers(POLICY)).toMatchObject({ ok: true, value: [] })
    expect(await huawei.readOffers(POLICY)).toMatchObject({
      ok: true,
      value: [{ flavor: "f", soldOut: false }],
    })
    expect(await huawei.queryMetrics(POLICY, query)).toMatchObject({ ok: true, value: [] })
    expect(await huawei.buy(orderTo({ endpoint: cloud.url }))).toMatchObject({ kind: "accepted" })
    const below = `/v1/${PROJECT}/dev-servers/hyperinstance/${SUPERNODE}`
    expect(cloud.asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
      `GET ${below}`,
      `GET ${below}/servers?limit=100&offset=0`,
      `GET ${below}/scale-evaluations`,
      `POST /ces/V1.0/${PROJECT}/batch-query-metric-data`,
      `POST ${below}/live-scale-up`,
    ])
  })

  it("the Huawei Cloud client trusts the configured certificate for reads and for the purchase", async () => {
    const certificate = await certificateFor("localhost")
    const wire = await startWire(says(answer(200, { id: SUPERNODE })), { tls: certificate })
    const endpoint = `https://localhost:${wire.port}`
    const huawei = huaweiCloud({
      credentials: () => Promise.resolve(KEYS),
      clock: STILL,
      endpoints: { modelarts: endpoint },
      tls: { ca: certificate.cert },
      lookup: lookupOf("127.0.0.1"),
      timeouts: { connectMs: 60_000, backoffMs: 1 },
    })
    open.push(huawei, wire)
    expect(await huawei.readSupernode(POLICY)).toMatchObject({ ok: true })
    expect(await huawei.buy(orderTo({ endpoint }))).toMatchObject({ kind: "accepted" })
    expect(wire.connections()).toBe(2)
  })
})
