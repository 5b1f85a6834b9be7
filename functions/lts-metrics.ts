import type { EmitMetrics } from "./door.ts"

/**
 * FunctionGraph: writes one JSON line per run, from which LTS makes charts and alarms. A histogram is reduced
 * to its largest observation. As on other platforms, metrics do not depend on the log level.
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
