import type { Dispatcher } from "undici"
import type { TimeLimit } from "./deadline.ts"

/** A response that was received completely. */
export interface WholeResponse {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  /** Body as received, before decompression. */
  body: Buffer
}

export interface WholeRequest {
  url: URL
  method: "GET" | "POST"
  headers: Record<string, string>
  body: string | null
  /** Time limit; when it is over, the request is aborted. */
  limit: TimeLimit
  /** Called when the status and headers of the response have arrived. */
  onHeaders(): void
}

/**
 * Sends one request and keeps its response in memory. undici's own `request` creates a stream for each
 * response and takes an AbortSignal; together they cost more CPU than the rest of a read. Rejects with
 * undici's error.
 */
export function sendRequest(dispatcher: Dispatcher, request: WholeRequest): Promise<WholeResponse> {
  const { url, method, headers, body } = request
  return new Promise((resolve, reject) => {
    const path = `${url.pathname}${url.search}`
    const handler = new ResponseHandler(request, resolve, reject)
    dispatcher.dispatch({ origin: url.origin, path, method, headers, body }, handler)
  })
}

class ResponseHandler implements Dispatcher.DispatchHandler {
  readonly #request: WholeRequest
  readonly #resolve: (response: WholeResponse) => void
  readonly #reject: (cause: Error) => void
  readonly #chunks: Buffer[] = []
  #head: Omit<WholeResponse, "body"> | null = null

  constructor(
    request: WholeRequest,
    resolve: (response: WholeResponse) => void,
    reject: (cause: Error) => void,
  ) {
    this.#request = request
    this.#resolve = resolve
    this.#reject = reject
  }

  /** Called right before the request is written. That may be long after the time is over. */
  onRequestStart(controller: Dispatcher.DispatchController) {
    this.#request.limit.whenPassed(() => controller.abort(new Error("timeout")))
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: WholeResponse["headers"],
  ) {
    // An informational response such as 103 precedes the final one.
    if (status < 200) return
    this.#head = { status, headers }
    this.#request.onHeaders()
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer) {
    this.#chunks.push(chunk)
  }

  onResponseEnd() {
    if (this.#head) this.#resolve({ ...this.#head, body: Buffer.concat(this.#chunks) })
    else this.#reject(new Error("the response had no status"))
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error) {
    this.#reject(cause)
  }
}
