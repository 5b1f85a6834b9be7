import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { median } from "../cold-import.ts"

/**
 * One start to measure: arguments of Node.js, and environment variables in addition to those of this process.
 */
export interface Start {
  name: string
  argv: readonly string[]
  env?: Record<string, string>
}

export interface Started {
  name: string
  /** Processor time, user and system, from the start of the process to its end: the median of all rounds. */
  cpuMs: number
  /** Ratio to the first start of the list: the median of the ratios of all rounds. */
  ratio: number
}

/**
 * All starts take turns, so that a machine that slows down slows all. One round before the count fills the
 * caches.
 */
export function compareStarts(node: string, starts: readonly Start[], rounds: number): Started[] {
  const times = starts.map((): number[] => [])
  for (let round = -1; round < rounds; round++)
    for (const [i, start] of starts.entries()) {
      const ms = cpuOf(node, start)
      if (round >= 0) times[i]?.push(ms)
    }
  const first = times[0] ?? []
  return starts.map(({ name }, i) => {
    const own = times[i] ?? []
    return { name, cpuMs: median(own), ratio: median(own.map((ms, round) => ms / (first[round] ?? 0))) }
  })
}

/** Required, not imported: an import would load the whole module loader even into an empty process. */
const METER = join(import.meta.dirname, "meter.cjs")

function cpuOf(node: string, { name, argv, env }: Start): number {
  const { stderr, status } = spawnSync(node, ["--no-warnings", "--require", METER, ...argv], {
    encoding: "utf8",
    env: { ...process.env, ...env },
  })
  const [, ms] = /\ncpu ([\d.]+)$/.exec(stderr) ?? []
  if (status !== 0 || ms === undefined) throw new Error(`${name} ended with ${status}: ${stderr.slice(-500)}`)
  return Number(ms)
}

/**
 * The Node.js versions in test/nodes (`npm ci --prefix test/nodes` installs them), otherwise that of this
 * process.
 */
export function nodesHere(): { version: string; path: string }[] {
  const folder = join(import.meta.dirname, "../../nodes/node_modules")
  const others = ["20.15.1", "24.21.0"]
    .map((version) => ({ version, path: join(folder, `node-${version}/bin/node`) }))
    .filter(({ path }) => existsSync(path))
  return others.length > 0 ? others : [{ version: process.versions.node, path: process.execPath }]
}
