const JSON_CONTENT_TYPE = /^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i

export type JsonBody = { ok: true; value: unknown } | { ok: false; why: string }

/** The JSON value of a request's body, if its content type and its bytes are JSON. */
export function jsonBodyOf({
  contentType,
  body,
}: {
  contentType: string | undefined
  body: Uint8Array
}): JsonBody {
  if (!JSON_CONTENT_TYPE.test(contentType ?? "")) {
    return { ok: false, why: `Content-Type must be application/json, not ${contentType ?? "missing"}` }
  }
  try {
    // A byte order mark is kept, so that JSON.parse refuses it: the specification forbids senders to add one.
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body)
    return { ok: true, value: JSON.parse(text) }
  } catch (error) {
    return {
      ok: false,
      why: `the body is not JSON in UTF-8: ${error instanceof Error ? error.message : String(error)}`,
    }
  }
}
