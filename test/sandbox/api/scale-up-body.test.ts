import { describe, expect, it } from "vitest"
import { call, HYPERINSTANCE, ORDER, SUPERNODE, sandboxAt, scaleUp } from "../client.ts"

const DISK = { size: 100, type: "GPSSD", count: 1 }
const without = (key: keyof typeof ORDER): object => ({ ...ORDER, [key]: undefined })
const userdataOf = (bytes: number): string => Buffer.alloc(bytes, "x").toString("base64")

describe("a body within the bounds of the API page buys", () => {
  it.each<{ what: string; body: object }>([
    { what: "the example of the API page", body: ORDER },
    { what: "only the two mandatory fields", body: { flavor: ORDER.flavor, image_id: ORDER.image_id } },
    { what: "an empty root volume", body: { ...ORDER, root_volume: {} } },
    { what: "the smallest root volume", body: { ...ORDER, root_volume: { size: 100 } } },
    { what: "the largest root volume", body: { ...ORDER, root_volume: { size: 1024, type: "SATA" } } },
    { what: "the smallest data volume", body: { ...ORDER, data_volume: DISK } },
    {
      what: "the largest data volumes",
      body: { ...ORDER, data_volume: { size: 32_768, type: "SAS", count: 8 } },
    },
    { what: "a key pair name of 64 characters", body: { ...ORDER, key_pair_name: "a-_.".repeat(16) } },
    { what: "userdata of 32 KB", body: { ...ORDER, userdata: userdataOf(32_768) } },
  ])("the sandbox accepts an order with $what", async ({ body }) => {
    const sandbox = await sandboxAt()
    expect((await scaleUp(sandbox, body)).status).toBe(200)
    expect(sandbox.orders).toHaveLength(1)
  })
})

describe("a body beyond the bounds of the API page is refused with 400 and buys nothing", () => {
  it.each<{ what: string; body: object; code: string; says: RegExp }>([
    { what: "no flavor", body: without("flavor"), code: "6335", says: /flavor/ },
    { what: "no image", body: without("image_id"), code: "6335", says: /image_id/ },
    {
      what: "a data volume without count",
      body: { ...ORDER, data_volume: { size: 100, type: "SAS" } },
      code: "6335",
      says: /data_volume\.count/,
    },
    {
      what: "a data volume without size",
      body: { ...ORDER, data_volume: { type: "SAS", count: 1 } },
      code: "6335",
      says: /data_volume\.size/,
    },
    {
      what: "a data volume without type",
      body: { ...ORDER, data_volume: { size: 100, count: 1 } },
      code: "6335",
      says: /data_volume\.type/,
    },
    { what: "an empty flavor", body: { ...ORDER, flavor: "" }, code: "6336", says: /flavor/ },
    {
      what: "a flavor of 129 characters",
      body: { ...ORDER, flavor: "a".repeat(129) },
      code: "6336",
      says: /flavor/,
    },
    { what: "a flavor with a blank", body: { ...ORDER, flavor: "a b" }, code: "6336", says: /flavor/ },
    { what: "a flavor that is not a string", body: { ...ORDER, flavor: 4 }, code: "6336", says: /flavor/ },
    {
      what: "an image id of 35 characters",
      body: { ...ORDER, image_id: ORDER.image_id.slice(1) },
      code: "6336",
      says: /image_id/,
    },
    {
      what: "an image id without hyphens",
      body: { ...ORDER, image_id: "a".repeat(36) },
      code: "6336",
      says: /image_id/,
    },
    {
      what: "an empty key pair name",
      body: { ...ORDER, key_pair_name: "" },
      code: "6336",
      says: /key_pair_name/,
    },
    {
      what: "a key pair name of 65 characters",
      body: { ...ORDER, key_pair_name: "a".repeat(65) },
      code: "6336",
      says: /key_pair_name/,
    },
    {
      what: "a key pair name with a slash",
      body: { ...ORDER, key_pair_name: "a/b" },
      code: "6336",
      says: /key_pair_name/,
    },
    {
      what: "a root volume of 99 GB",
      body: { ...ORDER, root_volume: { size: 99 } },
      code: "6336",
      says: /root_volume\.size/,
    },
    {
      what: "a root volume of 1025 GB",
      body: { ...ORDER, root_volume: { size: 1025 } },
      code: "6336",
      says: /root_volume\.size/,
    },
    {
      what: "a fraction of a gigabyte",
      body: { ...ORDER, root_volume: { size: 100.5 } },
      code: "6336",
      says: /root_volume\.size/,
    },
    {
      what: "a size as a string",
      body: { ...ORDER, root_volume: { size: "200" } },
      code: "6336",
      says: /root_volume\.size/,
    },
    {
      what: "an unknown volume type",
      body: { ...ORDER, root_volume: { type: "NVME" } },
      code: "6336",
      says: /root_volume\.type/,
    },
    {
      what: "a volume type in lower case",
      body: { ...ORDER, root_volume: { type: "essd" } },
      code: "6336",
      says: /root_volume\.type/,
    },
    { what: "null for a volume", body: { ...ORDER, root_volume: null }, code: "6336", says: /root_volume/ },
    {
      what: "a data volume of 99 GB",
      body: { ...ORDER, data_volume: { ...DISK, size: 99 } },
      code: "6336",
      says: /data_volume\.size/,
    },
    {
      what: "a data volume of 32769 GB",
      body: { ...ORDER, data_volume: { ...DISK, size: 32_769 } },
      code: "6336",
      says: /data_volume\.size/,
    },
    {
      what: "zero data disks",
      body: { ...ORDER, data_volume: { ...DISK, count: 0 } },
      code: "6336",
      says: /data_volume\.count/,
    },
    {
      what: "nine data disks",
      body: { ...ORDER, data_volume: { ...DISK, count: 9 } },
      code: "6336",
      says: /data_volume\.count/,
    },
    {
      what: "a list of data volumes",
      body: { ...ORDER, data_volume: [DISK] },
      code: "6336",
      says: /data_volume/,
    },
    {
      what: "userdata that is not base64",
      body: { ...ORDER, userdata: "#!/bin/bash" },
      code: "6336",
      says: /userdata.*base64/,
    },
    {
      what: "userdata of 32 KB and a byte",
      body: { ...ORDER, userdata: userdataOf(32_769) },
      code: "6336",
      says: /userdata.*32 KB/,
    },
    {
      what: "a password, which is an unknown field",
      body: { ...ORDER, admin_pass: "x" },
      code: "6400",
      says: /admin_pass/,
    },
    {
      what: "a count of servers, an unknown field",
      body: { ...ORDER, count: 2 },
      code: "6400",
      says: /count/,
    },
    {
      what: "an unknown field of a volume",
      body: { ...ORDER, root_volume: { size_gb: 200 } },
      code: "6400",
      says: /size_gb/,
    },
    { what: "a list as its body", body: [ORDER], code: "6400", says: /object/ },
  ])("the sandbox refuses an order with $what and says why", async ({ body, code, says }) => {
    const sandbox = await sandboxAt()
    const { status, json } = await scaleUp(sandbox, body)
    expect({ status, json }).toEqual({
      status: 400,
      json: { error_code: `ModelArts.${code}`, error_msg: expect.stringMatching(says) },
    })
    expect(sandbox.orders).toEqual([])
  })

  it("the sandbox reports all problems of an order together", async () => {
    const { json } = await scaleUp(await sandboxAt(), { flavor: "a b", root_volume: { size: 1 } })
    expect(json["error_msg"]).toMatch(/flavor: .*; image_id: .*; root_volume\.size: /)
  })

  const path = `${HYPERINSTANCE}/${SUPERNODE}/live-scale-up`
  it.each([
    { what: "text that is not JSON", raw: "{", headers: {} },
    { what: "an empty body", raw: "", headers: {} },
    { what: "a byte order mark", raw: `\ufeff${JSON.stringify(ORDER)}`, headers: {} },
    { what: "bytes that are not UTF-8", raw: Buffer.from([0x22, 0xff, 0x22]), headers: {} },
    {
      what: "JSON that is sent as text",
      raw: JSON.stringify(ORDER),
      headers: { "content-type": "text/plain" },
    },
    {
      what: "another charset",
      raw: JSON.stringify(ORDER),
      headers: { "content-type": "application/json; charset=utf-16" },
    },
  ])("the sandbox refuses $what as a bad payload, ModelArts.6400", async ({ raw, headers }) => {
    const sandbox = await sandboxAt()
    const { status, json } = await call(sandbox, { path, raw, headers })
    expect({ status, code: json["error_code"] }).toEqual({ status: 400, code: "ModelArts.6400" })
    expect(sandbox.orders).toEqual([])
  })

  it("the sandbox responds 413, as the gateway does, to a body of more than 12 MB", async () => {
    const { status, json } = await call(await sandboxAt(), {
      path,
      raw: Buffer.alloc(12 * 1024 * 1024 + 1, " "),
    })
    expect({ status, code: json["error_code"] }).toEqual({ status: 413, code: "APIG.0201" })
  })
})
