import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { afterEach, describe, expect, it } from "vitest"
import { type PurchaseRequest, sendPurchase } from "../../../lib/huawei/purchase/send-purchase.ts"
import { SUPERNODE } from "../fixture.ts"
import { answer, type Script, startWire, type Wire } from "../wire.ts"

// Events between the opening of a connection and the first write. A server alone cannot time them.

const open: Wire[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((wire) => wire.close()))
})

async function exchangeOver(
  script: Script,
  prepare: (socket: Socket) => Promise<unknown>,
  whyNotToSend: PurchaseRequest["whyNotToSend"] = () => null,
) {
  const wire = await startWire(script)
  open.push(wire)
  const socket = connect(wire.port, "127.0.0.1")
  socket.on("error", () => undefined)
  await once(socket, "connect")
  await prepare(socket)
  let handovers = 0
  const ending = await sendPurchase({
    socket,
    url: new URL(`http://127.0.0.1:${wire.port}/x`),
    headers: {},
    body: "{}",
    timeoutMs: 60_000,
    whyNotToSend,
    onHandover: () => handovers++,
  })
  return { ending, wire, socket, handovers }
}

const accepting: Script = { onRequest: (socket) => socket.write(answer(200, { id: SUPERNODE })) }

describe("a connection that is lost before the request is written", () => {
  const destroyed = async (socket: Socket) => {
    socket.destroy()
    await once(socket, "close")
  }
  it.each<[string, Script, (socket: Socket) => Promise<unknown>]>([
    ["closed by us", accepting, destroyed],
    [
      "closed by the server",
      { onConnect: (socket) => socket.end() },
      (socket) => once(socket.resume(), "close"),
    ],
    [
      "written to by the server before any request",
      { onConnect: (socket) => socket.write(answer(200, { id: SUPERNODE })) },
      (socket) => once(socket, "readable"),
    ],
  ])(
    "a purchase sends nothing and opens no other connection if its connection was %s",
    async (_title, script, prepare) => {
      const { ending, wire, handovers } = await exchangeOver(script, prepare)
      expect(ending).toMatchObject({ kind: "not-sent", reason: "connect-failure" })
      expect([wire.received(), wire.connections(), handovers]).toEqual(["", 1, 0])
    },
  )
})

it("a purchase closes its connection at the end, although the server would keep it open", async () => {
  const { ending, wire, socket, handovers } = await exchangeOver(accepting, () => Promise.resolve())
  expect(ending).toMatchObject({ kind: "complete", answer: { status: 200 } })
  expect(socket.destroyed).toBe(true)
  expect([wire.requestLines(), wire.connections(), handovers]).toEqual([1, 1, 1])
})

it("a purchase closes its connection even if it is too late to write the request", async () => {
  const tooLate = { reason: "too-late", says: "too late" }
  const { ending, wire, socket, handovers } = await exchangeOver(
    accepting,
    () => Promise.resolve(),
    () => tooLate,
  )
  expect(ending).toEqual({ kind: "not-sent", ...tooLate })
  expect(socket.destroyed).toBe(true)
  expect([wire.received(), handovers]).toEqual(["", 0])
})

it.each([
  ["EPIPE", "reset"],
  ["ECONNABORTED", "connection-error"],
])("a purchase whose connection fails with %s after the request ends as a %s", async (code, reason) => {
  const failing = (socket: Socket) => {
    const failed = Object.assign(new Error(`write ${code}`), { code })
    return Promise.resolve(setImmediate(() => socket.destroy(failed)))
  }
  const { ending, wire, handovers } = await exchangeOver({}, failing)
  expect(ending).toEqual({ kind: "broken", reason, says: expect.stringContaining(code), answer: null })
  expect([wire.connections(), handovers]).toEqual([1, 1])
})
