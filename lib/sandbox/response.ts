/** An HTTP response. A string body is sent unchanged; `undefined` is an empty body. */
export interface SandboxResponse {
  status: number
  body: unknown
  headers?: Record<string, string>
}

/** 200 with a JSON body. */
export function ok(body: unknown): SandboxResponse {
  return { status: 200, body }
}

/**
 * An error of the service itself: `{ error_code, error_msg }` (docs/huawei-api.md). Cloud Eye's `ces.…`
 * errors have the same form.
 */
export function serviceError(status: number, code: string, message: string): SandboxResponse {
  return { status, body: { error_code: code, error_msg: message } }
}

/** An error of the API gateway before the service: the same form, plus `request_id` in the body. */
export function gatewayError({ status, code, message, requestId }: GatewayError): SandboxResponse {
  return { status, body: { error_msg: message, error_code: code, request_id: requestId } }
}

export interface GatewayError {
  status: number
  /** `APIG.0301` and similar codes. */
  code: string
  message: string
  requestId: string
}

/** The `error_code` of a response's body; null without one. */
export function errorCodeOf({ body }: SandboxResponse): string | null {
  if (typeof body !== "object" || body === null || !("error_code" in body)) return null
  return typeof body.error_code === "string" ? body.error_code : null
}
