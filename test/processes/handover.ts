import { subscribe, unsubscribe } from "node:diagnostics_channel"
import { closeSync, openSync, readSync, writeSync } from "node:fs"
import type { Clock } from "../../lib/ports.ts"

// A purchase is late or not by the clock of the process that sends it, at the moment when it hands the request to its socket.
// When it arrives elsewhere depends on how busy the machine is.

/** One request for a purchase, written down by its sender right before the first byte goes to the socket. */
export interface Handover {
  pid: number
  path: string
  /** Of the request; equal only for two requests of one second that ask for the same. */
  signature: string
  /** When the socket got it, epoch milliseconds. */
  at: number
  /**
   * What the sender's clock port said last in the same stretch of code, with no turn of the event loop in between; null where
   * nothing asked it. A process that is stopped after this reading cannot notice.
   */
  checkedAt: number | null
}

/** The moment that decides whether the sender was allowed to send. */
export function decidedAt({ at, checkedAt }: Handover): number {
  return checkedAt ?? at
}

interface SendHeaders {
  request: { method: string; path: string }
  headers: string
}

const CHANNEL = "undici:client:sendHeaders"

/** Writes down every purchase of this process. Purchases must use its `clock`. */
export class HandoverRecorder {
  readonly clock: Clock
  readonly #fd: number
  #checkedAt: number | null = null

  constructor(file: string, clock: Clock) {
    // One line each, appended at once: several processes may share the file, and a kill leaves no half of one but the last.
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

/** Reads what recorders wrote to a file, as it grows. */
export class HandoverReader {
  readonly #fd: number
  #position = 0
  #rest = ""

  constructor(file: string) {
    this.#fd = openSync(file, "a+")
  }

  /** Bytes read so far: it changes with every handover that was read. */
  get position(): number {
    return this.#position
  }

  /** Those since the last call. */
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
