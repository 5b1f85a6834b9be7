import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { closeSync, openSync, readSync, writeSync } from "node:fs"
import type { Clock } from "../../lib/ports.ts"

// A purchase is late or not by the clock of its sender, at the moment when the sender hands the request to
// its socket. The time of arrival depends on how busy the machine is.

/** One purchase request, recorded by its sender right before the first byte goes to the socket. */
export interface Handover {
  pid: number
  path: string
  /** Signature of the request. Equal only for two requests of the same content within one second. */
  signature: string
  /** Time when the socket got it, epoch milliseconds. */
  at: number
  /**
   * Last reading of the sender's clock port in the same synchronous code, with no turn of the event loop in
   * between; `null` without such a reading. A process that is stopped after this reading cannot notice it.
   */
  checkedAt: number | null
}

/** The time that decides if the sender was allowed to send. */
export function decidedAt({ at, checkedAt }: Handover): number {
  return checkedAt ?? at
}

interface SendHeaders {
  request: { method: string; path: string }
  headers: string
}

const CHANNEL = "undici:client:sendHeaders"

/** Records every purchase request of this process. Purchases must use its `clock`. */
export class HandoverRecorder {
  readonly clock: Clock
  readonly #fd: number
  #checkedAt: number | null = null

  constructor(file: string, clock: Clock) {
    // Each is one line in one write: several processes may share the file, and a kill can truncate only the
    // last line.
    this.#fd = openSync(file, "a")
    this.clock = { ...clock, now: () => this.#read(clock.now()) }
    subscribe(CHANNEL, this.#onSend)
  }

  close(): void {
    unsubscribe(CHANNEL, this.#onSend)
    closeSync(this.#fd)
  }

  #read(now: number): number {
    this.#checkedAt = now
    queueMicrotask(() => {
      this.#checkedAt = null
    })
    return now
  }

  readonly #onSend = (message: unknown): void => {
    const { request, headers } = message as SendHeaders
    if (request.method !== "POST" || !request.path.includes("/live-scale-up")) return
    const signature = signatureIn(headers)
    const { pid } = process
    const handover: Handover = {
      pid,
      path: request.path,
      signature,
      at: Date.now(),
      checkedAt: this.#checkedAt,
    }
    writeSync(this.#fd, `${JSON.stringify(handover)}\n`)
  }
}

export function signatureIn(headers: string): string {
  return /Signature=([0-9a-f]+)/.exec(headers)?.[1] ?? ""
}

/** Reads the handovers that recorders append to a file. */
export class HandoverReader {
  readonly #fd: number
  #position = 0
  #rest = ""

  constructor(file: string) {
    this.#fd = openSync(file, "a+")
  }

  /** Number of bytes read so far. It changes with every handover that is read. */
  get position(): number {
    return this.#position
  }

  /** Handovers since the last call. */
  next(): Handover[] {
    const bytes = Buffer.alloc(64 * 1024)
    for (;;) {
      const read = readSync(this.#fd, bytes, 0, bytes.length, this.#position)
      if (read === 0) break
      this.#position += read
      this.#rest += bytes.toString("utf8", 0, read)
    }
    const lines = this.#rest.split("\n")
    this.#rest = lines.pop() ?? ""
    return lines.map((line) => JSON.parse(line) as Handover)
  }

  close(): void {
    closeSync(this.#fd)
  }
}
