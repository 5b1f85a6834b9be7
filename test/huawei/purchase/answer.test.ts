import { describe, expect, it } from "vitest"
import { outcomeOf } from "../../../lib/huawei/purchase/answer.ts"
import { NOW, SUPERNODE } from "../fixture.ts"

// Complete responses at the limits of each class, and the messages that operators read about them.

const CONTEXT = { supernode: SUPERNODE, secrets: [], now: NOW }

function outcome(status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body)
  return outcomeOf({ kind: "complete", answer: { status, headers, body: Buffer.from(text) } }, CONTEXT)
}

const NOT_KNOWN = "; it is unknown whether there is an order"
const REFUSAL = { error_code: "ModelArts.9999", error_msg: "no such thing" }

describe("classes of a purchase response by its status", () => {
  it.each([
    [199, "redirect"],
    [300, "redirect"],
    [399, "redirect"],
    [400, "unlisted-4xx"],
    [408, "request-timeout"],
    [499, "unlisted-4xx"],
    [500, "server-error"],
    [599, "server-error"],
  ])(
    "a purchase response %i makes the outcome unknown (%s), even if it names the supernode",
    (status, reason) => {
      expect(outcome(status, { id: SUPERNODE, ...REFUSAL })).toMatchObject({
        kind: "unknown",
        status,
        reason,
      })
    },
  )

  it.each([200, 299])("a purchase response %i that names the supernode is accepted", (status) => {
    expect(outcome(status, { id: SUPERNODE })).toMatchObject({ kind: "accepted", status })
  })
})

describe("the message of an unknown outcome", () => {
  it.each<[string, number, unknown, string]>([
    ["a response that is not JSON", 200, "<html>", "answered 200 with something that is not JSON"],
    ["an empty object", 200, {}, "answered 200, but named neither the supernode nor servers"],
    [
      "another supernode",
      201,
      { id: "00000000-0000-4000-8000-000000000000" },
      "answered 201, but named another supernode and no servers",
    ],
    [
      "an error code and a message",
      200,
      REFUSAL,
      "answered 200, but named neither the supernode nor servers (ModelArts.9999: no such thing)",
    ],
    ["an error code alone", 500, { error_code: "ModelArts.9999" }, "answered 500 (ModelArts.9999)"],
    ["an error message alone", 503, { error_msg: "come back later" }, "answered 503 (come back later)"],
    ["neither an error code nor a message", 502, "", "answered 502"],
    [
      "an unlisted refusal",
      418,
      REFUSAL,
      "answered 418 (ModelArts.9999: no such thing), which is not listed as a refusal",
    ],
    [
      "a very long error message, which is truncated so that the end stays",
      500,
      { error_code: "A", error_msg: "m".repeat(400) },
      `answered 500 (A: ${"m".repeat(157)})`,
    ],
  ])(
    "the message of a purchase's unknown outcome describes the response: %s",
    (_title, status, body, says) => {
      expect(outcome(status, body)).toMatchObject({ kind: "unknown", says: `${says}${NOT_KNOWN}` })
    },
  )
})

describe("the stored part of a purchase response", () => {
  const rawOf = (text: string) => {
    const { raw } = outcome(500, text) as { raw: { body: string; bytes: number; truncated: boolean } }
    return { kept: raw.body.length, bytes: raw.bytes, truncated: raw.truncated }
  }

  it("up to exactly 1 MiB of a purchase response's body is kept, even if it takes more bytes as JSON", () => {
    const most = 1024 * 1024
    for (const sign of ["a", '"']) {
      expect(rawOf(sign.repeat(most))).toEqual({ kept: most, bytes: most, truncated: false })
      expect(rawOf(sign.repeat(most + 1))).toEqual({ kept: most, bytes: most + 1, truncated: true })
    }
  })

  it("up to 128 characters of a purchase response's request id are kept", () => {
    expect(outcome(200, { id: SUPERNODE }, { "x-request-id": "r".repeat(129) })).toMatchObject({
      requestId: "r".repeat(128),
    })
  })
})
