import { describe, expect, it } from "vitest"
import { type CloudFixture, cloudFixture, MINUTE } from "./harness.ts"

// Reading an order from the billing service after the cloud accepted the purchase.

const ALARM = "test/events/functiongraph-smn-cloud-eye-alarm.json"

async function deskWithBilling(): Promise<CloudFixture> {
  const own = await cloudFixture()
  own.env["SUPERNODE_BSS_ENDPOINT"] = own.sandbox.url
  return own
}

let ticks = 0
async function tick(own: CloudFixture) {
  own.advance(MINUTE)
  ticks += 1
  const time = new Date(own.sandbox.now()).toISOString()
  return own.run("run", "--event", own.file(`tick-${ticks}.json`, { kind: "tick", time }))
}

const asked = (own: CloudFixture) =>
  own.sandbox.requests.filter(({ operation }) => operation === "order").length

async function payment(own: CloudFixture): Promise<string> {
  const { out } = await own.run("status")
  return /^ +payment +(.*), as first read .*$/m.exec(out)?.[1] ?? "nothing"
}

describe("an accepted order", () => {
  it("an order that is completed at the planned price is read once from the billing service and recorded", async () => {
    const own = await deskWithBilling()
    own.sandbox.setPayment({ status: 5, amount: 120_000, currency: "CNY" })
    await own.run("run", "--event", ALARM)
    await tick(own)
    expect(await payment(own)).toMatch(/^order CS\w+ is completed, 120000 CNY$/)
    expect(asked(own)).toBe(1)
    expect((await own.run("audit", "verify")).code).toBe(0)
  })

  it("an order that awaits payment is read from the billing service until it is paid, even if its servers run", async () => {
    const own = await deskWithBilling()
    own.sandbox.setPayment({ status: 6, amount: null, currency: "CNY" })
    await own.run("run", "--event", ALARM)
    expect(await payment(own)).toMatch(/^order CS\w+ is pending payment$/)
    own.advance(10 * MINUTE)
    await tick(own)
    expect((await own.run("status")).out).toMatch(/in flight +no$/m)
    own.sandbox.setPayment({ status: 5, amount: 120_000, currency: "CNY" })
    await tick(own)
    expect(await payment(own)).toMatch(/is completed, 120000 CNY$/)
    const before = asked(own)
    await tick(own)
    expect(asked(own)).toBe(before)
  })

  it("status shows both amounts if an accepted order's amount differs from the plan", async () => {
    const own = await deskWithBilling()
    own.sandbox.setPayment({ status: 3, amount: 150_000.5, currency: "CNY" })
    await own.run("run", "--event", ALARM)
    expect(await payment(own)).toMatch(/is processing, 150000\.5 CNY; 120000 CNY was planned$/)
  })

  it("a tick reads an accepted order again after the billing service refused it, and the purchase stays accepted", async () => {
    const own = await deskWithBilling()
    own.sandbox.failNext("order", { status: 403, code: "CBC.0150", message: "no permission" }, 2)
    expect((await own.run("run", "--event", ALARM)).code).toBe(0)
    await tick(own)
    expect(await payment(own)).toMatch(
      /cannot be read: showCustomerOrderDetails at .* answered 403 CBC\.0150/,
    )
    await tick(own)
    expect(await payment(own)).toMatch(/is completed$/)
  })

  it("an accepted order keeps its known values if the billing service refuses or returns no amount", async () => {
    const own = await deskWithBilling()
    own.sandbox.setPayment({ status: 6, amount: 150_000, currency: "CNY" })
    await own.run("run", "--event", ALARM)
    own.sandbox.failNext("order", { status: 401, code: "APIG.0301" })
    await tick(own)
    expect(await payment(own)).toMatch(/is pending payment, 150000 CNY; 120000 CNY was planned$/)
    own.sandbox.setPayment({ status: 5, amount: null, currency: "CNY" })
    await tick(own)
    expect(await payment(own)).toMatch(/is completed, 150000 CNY; 120000 CNY was planned$/)
  })

  it.each([1e20, 1e307])("an accepted order with an amount of %s stops no later run", async (amount) => {
    const own = await deskWithBilling()
    own.sandbox.setPayment({ status: 3, amount, currency: "CNY" })
    await own.run("run", "--event", ALARM)
    own.advance(10 * MINUTE)
    expect((await tick(own)).code).toBe(0)
    expect((await own.run("audit", "verify")).code).toBe(0)
    expect((await own.run("status")).out).toMatch(/in flight +no$/m)
  })

  it("the next tick reads an accepted order again if the billing service failed", async () => {
    const own = await deskWithBilling()
    own.sandbox.failNext("order", { status: 503 }, 4)
    await own.run("run", "--event", ALARM)
    own.advance(10 * MINUTE)
    await tick(own)
    expect((await own.run("status")).out).toMatch(/in flight +no$/m)
    expect(await payment(own)).toMatch(/is completed$/)
  })
})

it("an accepted order is not read if a ModelArts endpoint is set without a billing endpoint", async () => {
  const own = await cloudFixture()
  await own.run("run", "--event", ALARM)
  expect(asked(own)).toBe(0)
  expect(await payment(own)).toBe("nothing")
})

it("doctor reports whether orders can be read, and passes if not, since purchases do not need this", async () => {
  const own = await deskWithBilling()
  expect((await own.run("doctor")).out).toContain("orders: orders can be read")
  own.sandbox.failNext("order", { status: 403, code: "CBC.0150" })
  const { code, out } = await own.run("doctor")
  expect(out).toMatch(
    /ok {2}train-a: orders: orders cannot be read, .* purchases still work: .* 403 CBC\.0150/,
  )
  expect(code).toBe(0)
  own.sandbox.failNext("order", { status: 404, code: "APIGW.0101", message: "The API does not exist" })
  expect((await own.run("doctor")).out).toMatch(
    /orders: it is unknown whether orders can be read; check that SUPERNODE_BSS_ENDPOINT is .* 404 APIGW\.0101/,
  )
})
