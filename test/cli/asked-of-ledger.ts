import { once } from "node:events"
import { type IncomingMessage, request } from "node:http"
import type { CliIo } from "../../functions/cli/io.ts"
import { clockAt } from "../world/clock.ts"
import { type Ran, ranCli } from "../world/command-line.ts"

// An operator's views of a ledger: `doctor`, `run` with one tick, and `serve` with `/readyz`.

export interface AskedOfLedger {
  doctor: Ran
  tick: Ran
  /** The response of `/readyz`; null if `serve` ended by itself. */
  ready: { status: number; body: { status: string; reasons: string[] } } | null
  /** Log of `serve` until it was stopped or ended. `ended` is its exit code. */
  log: string
  ended: number
}

/** Runs these views with these settings at one fixed time. `event` is a file that holds a tick. */
export async function askOfLedger(
  env: Record<string, string | undefined>,
  at: number,
  event: string,
): Promise<AskedOfLedger> {
  const io = { env, clock: clockAt(at) }
  const doctor = await ranCli(io, ["doctor"])
  const tick = await ranCli(io, ["run", "--event", event])
  return { doctor, tick, ...(await served(io)) }
}

async function served(
  io: Pick<CliIo, "env" | "clock">,
): Promise<Pick<AskedOfLedger, "ready" | "log" | "ended">> {
  let log = ""
  let stop = (): void => undefined
  let heard = (_port: number): void => undefined
  const listening = new Promise<number>((resolve) => (heard = resolve))
  const write = (text: string): void => {
    log += text
    const port = /serving on http:\/\/127\.0\.0\.1:(\d+)/.exec(log)?.[1]
    if (port) heard(Number(port))
  }
  const untilStopped = () => new Promise<void>((resolve) => (stop = resolve))
  const sinks = { stdout: { write }, stderr: { write } }
  const ended = ranCli({ ...io, ...sinks, untilStopped }, ["serve", "--port", "0"]).then(({ code }) => code)
  const port = await Promise.race([listening, ended.then(() => null)])
  const ready = port === null ? null : await readyz(port)
  stop()
  return { ready, ended: await ended, log }
}

async function readyz(port: number): Promise<AskedOfLedger["ready"]> {
  const sent = request({ host: "127.0.0.1", port, path: "/readyz", agent: false }).end()
  const [response] = (await once(sent, "response")) as [IncomingMessage]
  return { status: response.statusCode ?? 0, body: JSON.parse((await response.toArray()).join("")) }
}
