import { accessSync, constants } from "node:fs"
import { createServer } from "node:http"
import { delimiter, join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import type { Program } from "../serve/program.ts"
import { closeServer, listenOnLoopback } from "../world/loopback.ts"

/** The first of these programs that is on the PATH, or `null`. Debian gives some of them other names. */
export function findProgram(...names: string[]): string | null {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "")
  const files = names.flatMap((name) => folders.map((folder) => join(folder, name)))
  return files.find(isProgram) ?? null
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Exports to Prometheus what a machine of a supernode would: one gauge, whose value the test sets. */
export class Exporter {
  value = 20
  readonly #server = createServer((_, response) => {
    response.setHeader("content-type", "text/plain; version=0.0.4")
    response.end(
      `# TYPE npu_load gauge\nnpu_load{npu="0"} ${this.value}\nnpu_load{npu="1"} ${this.value - 10}\n`,
    )
  })

  async start(): Promise<string> {
    return `127.0.0.1:${await listenOnLoopback(this.#server)}`
  }

  stop(): Promise<void> {
    return closeServer(this.#server)
  }
}

/**
 * Polls until `isSo` returns true, in real time, since the programs are real. Throws an Error with `what` and
 * the programs' last output once `mostMs` have passed or a program has ended.
 */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  { mostMs, programs }: { mostMs: number; programs: Readonly<Record<string, Program>> },
): Promise<void> {
  const started = performance.now()
  while (!(await isSo())) {
    const ended = Object.values(programs).some(({ hasExited }) => hasExited)
    if (!ended && performance.now() - started < mostMs) {
      await pause(100)
      continue
    }
    const said = Object.entries(programs).map(
      ([name, { out, err }]) => `--- ${name}\n${(out + err).slice(-3_000)}`,
    )
    throw new Error(`${ended ? "a program ended" : `${mostMs} ms passed`} before ${what}\n${said.join("\n")}`)
  }
}

/** True if the URL responds with a 2xx status. */
export async function isReady(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )
}
