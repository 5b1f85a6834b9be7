import { writeFileSync } from "node:fs"
import { Session } from "node:inspector/promises"
import { join } from "node:path"

/**
 * With `BENCH_PROFILE=FOLDER`, writes a CPU profile of the work there, for the viewers of Chrome and VS Code.
 */
export async function profiled<T>(work: () => Promise<T>): Promise<T> {
  const folder = process.env["BENCH_PROFILE"]
  if (folder === undefined) return work()
  const session = new Session()
  session.connect()
  await session.post("Profiler.enable")
  await session.post("Profiler.start")
  try {
    return await work()
  } finally {
    const { profile } = await session.post("Profiler.stop")
    writeFileSync(join(folder, `${Date.now()}.cpuprofile`), JSON.stringify(profile))
    session.disconnect()
  }
}
