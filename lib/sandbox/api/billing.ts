import type { ApiRequest } from "../api-request.ts"
import { ok, type SandboxResponse, serviceError } from "../response.ts"
import type { World } from "../world/world.ts"

/** ShowCustomerOrderDetails: the order's status, and its cost if the sandbox has one. */
export function answerOrder(world: World, { route }: ApiRequest): SandboxResponse {
  const order = world.orders.find(({ orderId }) => orderId === route.orderId)
  // The error of an unknown order is not documented.
  if (!order) return serviceError(400, "CBC.0100", "The order does not exist.")
  const { status, amount, currency } = world.payment
  const price =
    amount === null ? {} : { amount_after_discount: amount, official_amount: amount, currency, measure_id: 1 }
  const order_info = {
    order_id: order.orderId,
    status,
    ...price,
    create_time: new Date(order.at).toISOString(),
  }
  return ok({ total_count: 1, order_info, order_line_items: [] })
}
