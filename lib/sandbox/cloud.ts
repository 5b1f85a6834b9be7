import { answerOrder } from "./api/billing.ts"
import { answerMetricData } from "./api/cloud-eye.ts"
import { answerTraces } from "./api/cts.ts"
import { answerMetricList } from "./api/metric-list.ts"
import { answerModelArts } from "./api/modelarts.ts"
import { routeOf } from "./api/route.ts"
import { refusalOf } from "./api/signature.ts"
import type { ApiRequest } from "./api-request.ts"
import { type Delivery, deliveryOf, type FailureQueue } from "./failures.ts"
import { gatewayError, type SandboxResponse, serviceError } from "./response.ts"
import { settleAll, type World } from "./world/world.ts"

/**
 * Handles one request as the gateway and the services do, in this order: known API, signature, then the rest.
 */
export function deliverCloud(
  world: World,
  { request, failures }: { request: Omit<ApiRequest, "route">; failures: FailureQueue },
): Delivery {
  const refused = (response: SandboxResponse): Delivery =>
    deliveryOf(undefined, { act: () => response, requestId: request.requestId })
  settleAll(world)
  const route = routeOf(request.method, request.path)
  if (!route) return refused(noSuchApi(request.requestId))
  const why = refusalOf(request, { keys: world.keys, now: world.clock.now() })
  if (why !== null) return refused(badSignature(why, request.requestId))
  const routed = { ...request, route }
  return deliveryOf(failures.take(route.operation), {
    act: () => answerRouted(world, routed),
    requestId: request.requestId,
  })
}

function answerRouted(world: World, request: ApiRequest): SandboxResponse {
  const { projectId, service, operation } = request.route
  if (service === "billing") return answerOrder(world, request)
  const isModelArts = service === "modelarts"
  if (!/^[A-Za-z0-9-]{1,64}$/.test(projectId)) {
    return serviceError(
      400,
      isModelArts ? "ModelArts.0101" : "ces.0014",
      "project_id must be 1 to 64 letters, digits or hyphens",
    )
  }
  const claimed = request.headers["x-project-id"]
  if (claimed !== undefined && claimed !== projectId) {
    return serviceError(
      403,
      isModelArts ? "ModelArts.0210" : "ces.0017",
      "X-Project-Id is not the project of the path",
    )
  }
  if (isModelArts) return answerModelArts(world, request)
  if (service === "cts") return answerTraces(world, request)
  return operation === "metrics" ? answerMetricData(world, request) : answerMetricList(world, request)
}

function noSuchApi(requestId: string): SandboxResponse {
  const message = "The API does not exist or has not been published in the environment"
  return gatewayError({ status: 404, code: "APIG.0101", message, requestId })
}

function badSignature(why: string, requestId: string): SandboxResponse {
  return gatewayError({
    status: 401,
    code: "APIG.0301",
    message: `Incorrect IAM authentication information: ${why}`,
    requestId,
  })
}
