import { request } from "undici"
import { expect, it, onTestFinished } from "vitest"
import { dispatchersOf } from "../../lib/http/dispatchers.ts"
import { wireOf } from "../huawei/wire.ts"

it("a process that opens twenty tunnels at once prints no warning of Node.js about listeners", async () => {
  const warnings: string[] = []
  const take = ({ name }: Error) => void warnings.push(name)
  process.on("warning", take)
  onTestFinished(() => void process.off("warning", take))
  const proxy = await wireOf({})
  const address = `http://127.0.0.1:${proxy.port}`
  const dispatchers = dispatchersOf({
    proxy: { address, noProxy: "" },
    connectMs: 60_000,
    maxResponseSize: 1_024,
  })
  const url = new URL("https://modelarts.test/")
  const requests = Array.from({ length: 20 }, () => request(url, { dispatcher: dispatchers.for(url) }))
  const ended = Promise.allSettled(requests)
  // A warning is emitted in the turn after the listener was added.
  while (proxy.requestLines() < requests.length) await new Promise(setImmediate)
  await dispatchers.close()
  expect((await ended).every(({ status }) => status === "rejected")).toBe(true)
  expect(warnings).toEqual([])
})
