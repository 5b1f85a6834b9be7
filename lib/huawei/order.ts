import * as z from "zod"
import { isSameId } from "../decision/inputs/id.ts"
import { moneyOf } from "../decision/policy/money.ts"
import type { CloudOrder } from "../decision/state/order.ts"
import { onFirstUse } from "../on-first-use.ts"
import type { Read } from "../ports.ts"
import type { Parsed } from "./cloud-response.ts"
import type { CloudReader } from "./http.ts"

/** API page of the supernode, `order_id`: 1 to 64 letters and digits. */
const ORDER_ID = /^[A-Za-z0-9]{1,64}$/

/** An order is read after the purchase, in the remaining time of the function. */
const TOTAL_MS = 5_000

/** ShowCustomerOrderDetails, `order_info`. An optional value of an unexpected form is null. */
const details = onFirstUse(() =>
  z.looseObject({
    order_info: z.looseObject({
      order_id: z.string().nullable().catch(null),
      status: z.int(),
      amount_after_discount: z.number().min(0).nullable().catch(null),
      currency: z
        .string()
        .regex(/^[A-Z]{3}$/)
        .nullable()
        .catch(null),
      /** 1: the amount is in the currency's unit. An amount in another unit is not read. */
      measure_id: z.int().nullable().catch(null),
    }),
  }),
)

/** GET /v2/orders/customer-orders/details/{order_id} of the billing service (BSS), which has no projects. */
export async function readOrder(
  reader: CloudReader,
  { endpoint, orderId }: { endpoint: string; orderId: string },
): Promise<Read<CloudOrder>> {
  if (!ORDER_ID.test(orderId))
    return {
      ok: false,
      why: "the order id has an invalid format",
      credentials: false,
      refused: true,
    }
  const url = `${endpoint}/v2/orders/customer-orders/details/${orderId}`
  const request = { operation: "showCustomerOrderDetails", method: "GET", url, projectId: null } as const
  return reader.read({ ...request, totalMs: TOTAL_MS }, (json) => orderOf(json, orderId))
}

function orderOf(json: unknown, orderId: string): Parsed<CloudOrder> {
  const parsed = details().safeParse(json)
  if (!parsed.success) return { ok: false, why: "the response has no order with a status" }
  const { order_id, status, amount_after_discount: amount, currency, measure_id } = parsed.data.order_info
  if (order_id === null || !isSameId(order_id, orderId))
    return { ok: false, why: "the response is about another order" }
  const isReadable = amount !== null && currency !== null && measure_id === 1
  return { ok: true, value: { status, amount: isReadable ? moneyOf({ amount, currency }) : null } }
}
