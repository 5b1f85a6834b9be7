import type { Socket } from "node:net"
import { Client, type Dispatcher, errors } from "undici"
import { codeOf, messageOf } from "../failure.ts"

/** The response, complete or as far as it was received. */
export interface PurchaseResponse {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: Buffer
}

/**
 * `not-sent`: no byte of the request was sent. `broken`: sending began, but no complete, valid response came back.
 */
export type Ending =
  | { kind: "not-sent"; reason: string; says: string }
  | { kind: "broken"; reason: string; says: string; answer: PurchaseResponse | null }
  | { kind: "complete"; answer: PurchaseResponse }

export interface PurchaseRequest {
  socket: Socket
  url: URL
  headers: Record<string, string>
  body: string
  /** Limit from the first byte sent to the last byte of the response, in milliseconds. */
  timeoutMs: number
  /** Called immediately before the request is written; `null` allows it. */
  whyNotToSend: () => { reason: string; says: string } | null
  /** Called immediately before the first byte is written. */
  onHandover: () => void
}

/** Maximum size of a response, both as received and decompressed. */
export const MAX_ANSWER_BYTES = 1024 * 1024

/** Made once: by default undici makes an error with its stack for each client. */
const ORDER_IS_OVER = new Error("the order's connection is closed")

/** Sends one request over one open socket. Never rejects, and always closes the socket. */
export async function sendPurchase(request: PurchaseRequest): Promise<Ending> {
  const client = clientOn(request.socket, request.url)
  try {
    return await new Promise<Ending>((resolve) => {
      client.dispatch(requestOf(request), new PurchaseHandler(request, resolve))
    })
  } finally {
    request.socket.destroy()
    void client.destroy(ORDER_IS_OVER).catch(() => undefined)
  }
}

/** A client that cannot connect. It gets the socket once, so nothing can be sent again over another one. */
function clientOn(socket: Socket, url: URL): Client {
  let isGiven = false
  return new Client(url.origin, {
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (_options, callback) => {
      const again = isGiven
      isGiven = true
      // Called later, as by a real connector: if it is called at once, undici never sends the request.
      queueMicrotask(() =>
        again
          ? callback(new Error("the purchase's connection has ended, and a second one is never opened"), null)
          : callback(null, socket),
      )
    },
  })
}

function requestOf({ url, headers, body }: PurchaseRequest): Dispatcher.DispatchOptions {
  return {
    method: "POST",
    path: `${url.pathname}${url.search}`,
    headers,
    body: Buffer.from(body),
    reset: true,
    idempotent: false,
  }
}

const SENT_ALREADY = { reason: "sent-already", says: "a second request was blocked before it was written" }

class PurchaseHandler implements Dispatcher.DispatchHandler {
  readonly #request: PurchaseRequest
  readonly #resolve: (ending: Ending) => void
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #head: Omit<PurchaseResponse, "body"> | null = null
  #isHandedOver = false
  #refusal: { reason: string; says: string } | null = null
  #timer: NodeJS.Timeout | undefined

  constructor(request: PurchaseRequest, resolve: (ending: Ending) => void) {
    this.#request = request
    this.#resolve = resolve
    // If the connection never takes the request, we stop waiting; `onRequestStart` then refuses to send.
    this.#timer = setTimeout(() => {
      this.#refusal = {
        reason: "connect-failure",
        says: "the connection never accepted the request; nothing was sent",
      }
      this.#end({ kind: "not-sent", ...this.#refusal })
    }, request.timeoutMs)
  }

  /** undici calls this synchronously before it writes. If this aborts, nothing is written to the socket. */
  onRequestStart(controller: Dispatcher.DispatchController) {
    this.#refusal ??= this.#isHandedOver ? SENT_ALREADY : this.#request.whyNotToSend()
    if (this.#refusal) return controller.abort(new Error(this.#refusal.says))
    const { timeoutMs } = this.#request
    this.#request.onHandover()
    this.#isHandedOver = true
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#break("timeout", `the response was not complete ${timeoutMs} ms after the request began`)
      controller.abort(new Error("timeout"))
    }, timeoutMs)
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: PurchaseResponse["headers"],
  ) {
    if (status >= 200) this.#head = { status, headers }
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer) {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes <= MAX_ANSWER_BYTES) return
    this.#break("answer-too-large", `the response is larger than ${MAX_ANSWER_BYTES} bytes`)
    controller.abort(new Error("answer too large"))
  }

  onResponseEnd() {
    const answer = this.#answer()
    if (answer) this.#end({ kind: "complete", answer })
    else this.#break("malformed-answer", "the response had no status")
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error) {
    const says = messageOf(cause)
    if (this.#isHandedOver) return this.#break(reasonOf(cause), says)
    const invalid = codeOf(cause) === "UND_ERR_INVALID_ARG"
    const why = { reason: invalid ? "invalid-request" : "connect-failure", says: `${says}; nothing was sent` }
    this.#end({ ...(this.#refusal ?? why), kind: "not-sent" })
  }

  #break(reason: string, says: string) {
    this.#end({ kind: "broken", reason, says, answer: this.#answer() })
  }

  #answer(): PurchaseResponse | null {
    return this.#head && { ...this.#head, body: Buffer.concat(this.#chunks) }
  }

  #end(ending: Ending) {
    clearTimeout(this.#timer)
    this.#resolve(ending)
  }
}

function reasonOf(cause: Error): string {
  const code = codeOf(cause) ?? ""
  const isMalformed =
    cause instanceof errors.HTTPParserError ||
    cause instanceof errors.ResponseContentLengthMismatchError ||
    cause instanceof errors.HeadersOverflowError ||
    // undici's message for an unexpected response, such as a 100 Continue that was not requested.
    /^bad (response|upgrade)/.test(cause.message)
  if (isMalformed) return "malformed-answer"
  return ["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"].includes(code) ? "reset" : "connection-error"
}
