import { describe, expect, it } from "vitest"
import { rejectionClass } from "../../../lib/huawei/purchase/rejections.ts"

const MODELARTS: [string, number, string][] = [
  ["throttle", 429, "2799 4206 4395 6101"],
  ["capacity", 400, "6329 6716 6528 6360"],
  ["quota", 400, "0113 0118 6302"],
  ["quota", 403, "5040"],
  ["balance", 401, "6201 6203"],
  ["balance", 400, "6326"],
  ["invalid", 400, "0101 0104 0107 6332 6335 6336 6400 6600 6323 6330 6792 6870 6797 6789"],
  ["auth", 401, "0201 0202 0203 0204 0207 0212"],
  ["auth", 403, "0108 0112 0206 0210 6653"],
  ["auth", 400, "6328"],
  ["state-conflict", 400, "6305 6306 6307 6308 6327 6357 6355"],
  ["state-conflict", 409, "5044"],
  ["not-found", 400, "6309 6404 0102"],
  ["not-found", 404, "2890 6650 4204 2836"],
]
const GATEWAY: [string, number, string][] = [
  ["throttle", 429, "0308"],
  ["invalid", 400, "0201"],
  ["invalid", 413, "0201"],
  ["invalid", 414, "0201"],
  ["auth", 401, "0301 0303 0305 0307 0311"],
  ["auth", 403, "0302 0304 0306 0310"],
  ["not-found", 404, "0101"],
]

describe("a listed pair of status and error code is a rejection", () => {
  it.each(MODELARTS)(
    "a purchase is rejected as %s by status %i with ModelArts' codes %s",
    (rejection, status, numbers) => {
      for (const number of numbers.split(" "))
        expect(rejectionClass(status, `ModelArts.${number}`)).toBe(rejection)
    },
  )

  it.each(GATEWAY)(
    "a purchase is rejected as %s by status %i with APIG's codes %s, also under the older prefix APIGW",
    (rejection, status, numbers) => {
      for (const number of numbers.split(" "))
        for (const prefix of ["APIG", "APIGW"])
          expect(rejectionClass(status, `${prefix}.${number}`)).toBe(rejection)
    },
  )
})

describe("an unlisted pair is not a rejection, because there may be an order", () => {
  it.each([
    ["a status without an error code", 400, null],
    ["a listed code under another status", 409, "ModelArts.6716"],
    ["a listed code under 500", 500, "ModelArts.6716"],
    ["a code without its prefix", 400, "6716"],
    ["a code with another service's prefix", 400, "APIG.6716"],
    ["a code in another case", 400, "modelarts.6716"],
    ["a code with a trailing space", 400, "ModelArts.6716 "],
    ["an undocumented code", 400, "ModelArts.9999"],
    ["ModelArts.0116, whose documented status is 100", 400, "ModelArts.0116"],
    ["ModelArts.6361, documented as an internal error under 400", 400, "ModelArts.6361"],
    ["the gateway's error for a lost backend", 502, "APIG.0201"],
    ["the gateway's error for a slow backend", 504, "APIG.0203"],
    ["an order-side code", 400, "CBC.30000067"],
    ["a code that contains the gateway's older prefix", 429, "X.APIGW.0308"],
    ["the text null", 400, "null"],
  ])("a purchase is not rejected by %s", (_title, status, code) => {
    expect(rejectionClass(status, code)).toBeNull()
  })
})
