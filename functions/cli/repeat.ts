import type { CliIo } from "./io.ts"

/**
 * Repeats `work` with pauses of `everyMs` milliseconds, until the process is stopped or its output has no
 * reader.
 */
export async function repeatUntilStopped(
  { stdout, clock, untilStopped }: CliIo,
  everyMs: number,
  work: () => Promise<void>,
): Promise<void> {
  let isStopped = false
  const stopped = untilStopped().then(() => {
    isStopped = true
  })
  while (!isStopped && !stdout.isGone) {
    await work()
    await Promise.race([stopped, clock.wait(everyMs)])
  }
}
