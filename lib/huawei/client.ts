import type { LookupFunction } from "node:net"
import type {
  CloudEyeListQuery,
  CloudEyePage,
  CloudEyeQuery,
  CloudEyeSeries,
  CloudPlace,
} from "../cloud-eye.ts"
import type { Offer, Server, Supernode } from "../decision/inputs/supernode.ts"
import type { Policy } from "../decision/policy/policy.ts"
import type { Outcome } from "../decision/state/outcome.ts"
import type { ProxySettings } from "../http/proxy.ts"
import type { BuyOrder, Clock, Cloud, Read } from "../ports.ts"
import { queryMetrics } from "./cloud-eye.ts"
import { type EndpointOverrides, endpointsOf, type SupernodePlace } from "./endpoints.ts"
import { cloudReader, type ReadTimeouts } from "./http.ts"
import { listMetrics } from "./metric-list.ts"
import { readOrder } from "./order.ts"
import { buy } from "./purchase/live-scale-up.ts"
import { readOffers } from "./scale-evaluations.ts"
import { listServers } from "./servers.ts"
import type { CredentialsProvider } from "./signature.ts"
import { readSupernode } from "./supernode.ts"
import { listSupernodes } from "./supernodes.ts"
import { readTraces } from "./traces.ts"

export interface HuaweiCloudOptions {
  /** Called anew for each request. */
  credentials: CredentialsProvider
  clock: Pick<Clock, "now" | "monotonic">
  /** Base URLs that replace those of the region. */
  endpoints?: EndpointOverrides
  /** Certificates to trust instead of the system's; PEM. */
  tls?: { ca: string }
  /**
   * HTTPS_PROXY and NO_PROXY, for reads and the purchase. By default (or if `null`), both connect directly.
   */
  proxy?: ProxySettings | null
  /** Name resolution for the purchase. Defaults to the system's. */
  lookup?: LookupFunction
  /**
   * Timeouts of reads, and `connectMs` for the purchase's connection, in milliseconds. The exchange of a
   * purchase is limited by `BuyOrder.timeoutMs`.
   */
  timeouts?: Partial<ReadTimeouts> & { connectMs?: number }
}

/** Huawei Cloud as `app/` needs it: reads, which never throw, and `buy`, the only call that spends money. */
export interface HuaweiCloud
  extends Required<Pick<Cloud, "readSupernode" | "readOffers" | "readOrder" | "readTraces" | "buy">> {
  listServers(policy: Policy): Promise<Read<Server[]>>
  readOffers(place: OnePlace): Promise<Read<Offer[]>>
  /** Supernodes of one project that belong to the user of the access key. */
  listSupernodes(place: CloudPlace): Promise<Read<Supernode[]>>
  /** Queries Cloud Eye of one project in one region. */
  queryMetrics(place: CloudPlace, query: CloudEyeQuery): Promise<Read<CloudEyeSeries[]>>
  /** Lists one page of the series that Cloud Eye knows. */
  listMetrics(place: CloudPlace, query: CloudEyeListQuery): Promise<Read<CloudEyePage>>
  /** Closes the sockets that are kept for reads. */
  close(): Promise<void>
}

type OnePlace = Pick<Policy, "region" | "projectId" | "id">

export function huaweiCloud(options: HuaweiCloudOptions): HuaweiCloud {
  const { credentials, clock, tls, lookup, proxy = null, timeouts = {} } = options
  const { connectMs: connectTimeoutMs, ...readTimeouts } = timeouts
  const reader = cloudReader({ credentials, clock, proxy, timeouts: readTimeouts, ...(tls ? { tls } : {}) })
  const placeOf = ({ region, projectId, id }: OnePlace): SupernodePlace => ({
    endpoint: endpointsOf(region, options.endpoints).modelarts,
    projectId,
    id,
  })
  const cesOf = ({ region, projectId }: CloudPlace) => ({
    endpoint: endpointsOf(region, options.endpoints).ces,
    projectId,
  })
  return {
    readSupernode: (policy): Promise<Read<Supernode>> => readSupernode(reader, placeOf(policy)),
    listServers: (policy) => listServers(reader, placeOf(policy)),
    listSupernodes: ({ region, projectId }) =>
      listSupernodes(reader, { endpoint: endpointsOf(region, options.endpoints).modelarts, projectId }),
    readOffers: (place) => readOffers(reader, placeOf(place)),
    readOrder: async ({ region }, orderId) => {
      const endpoint = endpointsOf(region, options.endpoints).bss
      return endpoint === null ? null : readOrder(reader, { endpoint, orderId })
    },
    readTraces: async ({ region, projectId, id }, window) => {
      const endpoint = endpointsOf(region, options.endpoints).cts
      return endpoint === null ? null : readTraces(reader, { place: { endpoint, projectId, id }, window })
    },
    queryMetrics: (place, query) => queryMetrics(reader, cesOf(place), query),
    listMetrics: (place, query) => listMetrics(reader, cesOf(place), query),
    buy: (order: BuyOrder): Promise<Outcome> =>
      buy(order, { credentials, clock, tls, lookup, proxy, connectTimeoutMs }),
    close: () => reader.close(),
  }
}
