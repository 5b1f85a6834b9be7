import type { EmitMetrics } from "./door.ts"

/**
 * FunctionGraph: one JSON line per run, for LTS to make charts and alarms of. Of a histogram the slowest observation. It does
 * not depend on the log level, as metrics do not elsewhere.
 */
export const emitLtsMetrics: EmitMetrics = (runs) => {
  for (const { supernode, at, values, about } of runs) {
    const numbers = Object.entries(values).map(([name, all]) => [name, Math.max(...all)] as const)
    const line = {
      timestamp: new Date(at).toISOString(),
      supernode,
      ...Object.fromEntries(numbers),
      ...about,
    }
    process.stdout.write(`${JSON.stringify(line)}\n`)
  }
}
