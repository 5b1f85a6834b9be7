import { setImmediate as nextTurn } from "node:timers/promises"
import { type Sandbox, type SandboxOptions, startSandbox } from "../../lib/sandbox/sandbox.ts"
import type { ApartCommand, ApartOptions } from "./apart.ts"

// A sandbox in a process of its own. Its parent sends one command at a time as a message, and gets one reply
// to each.

/**
 * One turn of the event loop accepts a connection, and the next one reads from it. The other turns are for a
 * request in two parts.
 */
const TURNS_UNTIL_READ = 5

let sandbox: Sandbox | null = null
let seenOrders = 0
/** Number of responses that wait at the gate; `open` lets all of them through. */
let waiting = 0
let open = (): void => undefined
const opened = new Promise<void>((resolve) => {
  open = resolve
})

process.once("disconnect", () => process.exit())
process.on("message", (text: string) => {
  void answer(JSON.parse(text) as ApartCommand).then(
    (value) => process.send?.({ value }),
    (error: unknown) => process.send?.({ error: String(error) }),
  )
})

async function answer(question: ApartCommand): Promise<unknown> {
  if (question.verb === "start") return start(question.options)
  if (!sandbox) throw new Error("the sandbox is not started")
  switch (question.verb) {
    case "seen":
      return seen(sandbox)
    case "waiting":
      return waiting
    case "open":
      return open()
    case "failNext":
      return sandbox.failNext(question.operation, question.failure, question.times)
    case "clearFailures":
      return sandbox.clearFailures()
    case "advance":
      return sandbox.advance(question.ms)
    case "addOffer": {
      const { supernode, offer } = question
      const { offers } = sandbox.state()
      return sandbox.setOffers([...(offers[supernode] ?? []), offer], supernode)
    }
    default:
      return question satisfies never
  }
}

async function start({ gated, ...options }: ApartOptions): Promise<string> {
  sandbox = await startSandbox({ ...options, ...(gated ? { sleep } : {}) })
  return sandbox.url
}

const sleep: NonNullable<SandboxOptions["sleep"]> = async (_ms, closing) => {
  waiting += 1
  await Promise.race([opened, new Promise((resolve) => closing.addEventListener("abort", resolve))])
}

/** First reads everything that reached our sockets before this command, so that no request is missed. */
async function seen(from: Sandbox) {
  for (let turn = 0; turn < TURNS_UNTIL_READ; turn++) await nextTurn()
  const { scaleUps } = from
  from.forgetRequests()
  const orders = from.orders.slice(seenOrders)
  seenOrders = from.orders.length
  return { scaleUps, orders }
}
