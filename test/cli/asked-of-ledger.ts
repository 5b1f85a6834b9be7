import { once } from "node:events"
import { type IncomingMessage, request } from "node:http"
import type { CliIo } from "../../functions/cli/io.ts"
import { runCli } from "../../functions/cli/run-cli.ts"
import { clockAt } from "../world/clock.ts"

// An operator's views of a ledger: `doctor`, `run` of one tick, and `serve` with `/readyz`.

export interface Shown {
  code: number
  out: string
  err: string
}

export interface AskedOfLedger {
  doctor: Shown
  tick: Shown
  /** The answer of `/readyz`; null if `serve` ended by itself. */
  ready: { status: number; body: { status: string; reasons: string[] } } | null
  /** Log of `serve` until it was stopped or ended, and its exit code. */
  log: string
  ended: number
}

/** Runs these views with these settings at one fixed time. `event` is a file with a tick. */
export async function askOfLedger(
  env: Record<string, string | undefined>,
  at: number,
  event: string,
): Promise<AskedOfLedger> {
  const doctor = await shown(env, at, ["doctor"])
  const tick = await shown(env, at, ["run", "--event", event])
  return { doctor, tick, ...(await served(env, at)) }
}

async function shown(env: CliIo["env"], at: number, argv: string[]): Promise<Shown> {
  const sinks = { out: "", err: "" }
  const code = await runCli(argv, {
    ...ioAt(env, at),
    stdout: { write: (text) => (sinks.out += text) },
    stderr: { write: (text) => (sinks.err += text) },
  })
  return { code, ...sinks }
}

async function served(
  env: CliIo["env"],
  at: number,
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
  const ended = runCli(["serve", "--port", "0"], {
    ...ioAt(env, at),
    stdout: { write },
    stderr: { write },
    untilStopped: () => new Promise((resolve) => (stop = resolve)),
  })
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

function ioAt(env: CliIo["env"], at: number): CliIo {
  const nothing = { write: () => undefined }
  return {
    stdout: nothing,
    stderr: nothing,
    stdin: (async function* () {})(),
    env,
    isTerminal: false,
    columns: 100,
    clock: clockAt(at),
    user: "night-shift",
    untilStopped: () => new Promise(() => undefined),
    onHangup: () => () => undefined,
  }
}
