/** Operations of the cloud side; failures use the same names. */
export const operations = [
  "supernode",
  "supernodes",
  "servers",
  "offers",
  "scale-up",
  "metrics",
  "metric-list",
  "order",
  "traces",
] as const
export type Operation = (typeof operations)[number]

export interface Route {
  operation: Operation
  service: "modelarts" | "cloud-eye" | "billing" | "cts"
  /** "" if the path has none. */
  projectId: string
  /** The supernode's id as in the path; "" if the path has none. */
  supernodeId: string
  /** Present only for orders. */
  orderId?: string
}

const HYPERINSTANCE = "^/v1/([^/]+)/dev-servers/hyperinstance"

export const ROUTES: { method: string; path: RegExp; operation: Operation; service: Route["service"] }[] = [
  { method: "GET", path: RegExp(`${HYPERINSTANCE}$`), operation: "supernodes", service: "modelarts" },
  { method: "GET", path: RegExp(`${HYPERINSTANCE}/([^/]+)$`), operation: "supernode", service: "modelarts" },
  {
    method: "GET",
    path: RegExp(`${HYPERINSTANCE}/([^/]+)/servers$`),
    operation: "servers",
    service: "modelarts",
  },
  {
    method: "GET",
    path: RegExp(`${HYPERINSTANCE}/([^/]+)/scale-evaluations$`),
    operation: "offers",
    service: "modelarts",
  },
  {
    method: "POST",
    path: RegExp(`${HYPERINSTANCE}/([^/]+)/live-scale-up$`),
    operation: "scale-up",
    service: "modelarts",
  },
  {
    method: "POST",
    path: /^\/V1\.0\/([^/]+)\/batch-query-metric-data$/,
    operation: "metrics",
    service: "cloud-eye",
  },
  { method: "GET", path: /^\/V1\.0\/([^/]+)\/metrics$/, operation: "metric-list", service: "cloud-eye" },
  {
    method: "GET",
    path: /^\/v2\/orders\/customer-orders\/details\/([^/]+)$/,
    operation: "order",
    service: "billing",
  },
  { method: "GET", path: /^\/v3\/([^/]+)\/traces$/, operation: "traces", service: "cts" },
]

/** The published API of a request; null is APIG.0101. Paths are matched exactly, as the gateway does. */
export function routeOf(method: string, path: string): Route | null {
  for (const { path: pattern, ...route } of ROUTES) {
    const match = route.method === method ? pattern.exec(path) : null
    if (match) {
      const { operation, service } = route
      if (operation === "order")
        return { operation, service, projectId: "", supernodeId: "", orderId: match[1] ?? "" }
      return { operation, service, projectId: match[1] ?? "", supernodeId: match[2] ?? "" }
    }
  }
  return null
}
