import type { RejectionClass } from "../../decision/state/outcome.ts"

/**
 * The (status, error_code) pairs that prove that no order was accepted, from the error tables of ModelArts
 * (modelarts_03_0095) and of the API gateway. Any other pair leaves the purchase unknown. These are omitted
 * on purpose: 0116 (documented with status "100"), 6361 (documented as an internal error with 400), and all
 * codes with 408 or 5xx. Numeric codes are reused with other statuses, so the status is part of the key.
 */
const LISTED: readonly { class: RejectionClass; status: number; codes: readonly string[] }[] = [
  { class: "throttle", status: 429, codes: modelArts("2799", "4206", "4395", "6101") },
  { class: "throttle", status: 429, codes: ["APIG.0308"] },

  // 6329, 6716: flavor sold out. 6528: EVS disks sold out. 6360: insufficient background resources.
  { class: "capacity", status: 400, codes: modelArts("6329", "6716", "6528", "6360") },

  { class: "quota", status: 400, codes: modelArts("0113", "0118", "6302") },
  { class: "quota", status: 403, codes: modelArts("5040") },

  // 6201: account frozen. 6203: account restricted. 6326: frozen for arrears. The documentation lists them among
  // authentication and state errors, but only a payment resolves them.
  { class: "balance", status: 401, codes: modelArts("6201", "6203") },
  { class: "balance", status: 400, codes: modelArts("6326") },

  {
    class: "invalid",
    status: 400,
    codes: modelArts("0101", "0104", "0107", "6332", "6335", "6336", "6400", "6600"),
  },
  // 6323, 6330, 6792, 6870: the flavor does not fit. 6797: image not found. 6789: the key pair cannot be used.
  // In each case the order is wrong, not the caller.
  { class: "invalid", status: 400, codes: modelArts("6323", "6330", "6792", "6870", "6797", "6789") },
  // The gateway refuses a malformed request. The same code with 5xx is a lost backend, hence unknown.
  { class: "invalid", status: 400, codes: ["APIG.0201"] },
  { class: "invalid", status: 413, codes: ["APIG.0201"] },
  { class: "invalid", status: 414, codes: ["APIG.0201"] },

  { class: "auth", status: 401, codes: modelArts("0201", "0202", "0203", "0204", "0207", "0212") },
  { class: "auth", status: 403, codes: modelArts("0108", "0112", "0206", "0210", "6653") },
  // No permission for this flavor.
  { class: "auth", status: 400, codes: modelArts("6328") },
  { class: "auth", status: 401, codes: ["APIG.0301", "APIG.0303", "APIG.0305", "APIG.0307", "APIG.0311"] },
  { class: "auth", status: 403, codes: ["APIG.0302", "APIG.0304", "APIG.0306", "APIG.0310"] },

  // 6305: running. 6306: starting. 6307: stopped. 6308: stopping. 6327: not running. 6357: another operation in
  // progress. 6355: initializing.
  {
    class: "state-conflict",
    status: 400,
    codes: modelArts("6305", "6306", "6307", "6308", "6327", "6357", "6355"),
  },
  { class: "state-conflict", status: 409, codes: modelArts("5044") },

  // A missing server gives 400, not 404. 0102 is a missing workspace.
  { class: "not-found", status: 400, codes: modelArts("6309", "6404", "0102") },
  { class: "not-found", status: 404, codes: modelArts("2890", "6650", "4204", "2836") },
  { class: "not-found", status: 404, codes: ["APIG.0101"] },
]

const BY_PAIR: ReadonlyMap<string, RejectionClass> = new Map(
  LISTED.flatMap((row) => row.codes.map((code) => [`${row.status} ${code}`, row.class])),
)

/**
 * The class of a listed pair. `null` if it is not listed: then it is unknown whether there is an order. Codes
 * match exactly, except for the gateway's older prefix: `APIGW.0308` is `APIG.0308`.
 */
export function rejectionClass(status: number, code: string | null): RejectionClass | null {
  return BY_PAIR.get(`${status} ${code?.replace(/^APIGW\./, "APIG.")}`) ?? null
}

function modelArts(...numbers: string[]): string[] {
  return numbers.map((number) => `ModelArts.${number}`)
}
