import type { IncomingHttpHeaders } from "node:http"
import type { Route } from "./api/route.ts"
import type { ArrivedRequest } from "./api/signature.ts"

/** A request for a published API, with all its bytes. */
export interface ApiRequest extends ArrivedRequest {
  requestId: string
  headers: IncomingHttpHeaders
  route: Route
}
