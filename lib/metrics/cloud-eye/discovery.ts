import type { CloudEyeListQuery, CloudEyeMetric, CloudPlace } from "../../cloud-eye.ts"
import type { Read } from "../../ports.ts"
import { type ConcurrencyLimiter, limiterOf } from "../batching/concurrency.ts"
import type { MetricSources } from "../sources.ts"
import { metricKey } from "./dimensions.ts"

/** Time that a list is kept, so new cards and servers are found at most this much later. */
const LIFE_MS = 5 * 60_000
/** Maximum number of kept lists; the least recently used one is removed first. */
const MAX_LISTS = 64
/** Maximum number of pages (1,000 series each) per list. It limits the cost of a wrong rule. */
const MAX_PAGES = 50

/** Finds the series that Cloud Eye knows, on all pages. Equal calls within `LIFE_MS` share one result. */
export interface Discovery {
  /**
   * Listed series by their `metricKey`, which ignores the values of the dimensions in `wild`. Never rejects.
   */
  find(sought: Sought): Promise<Read<ReadonlyMap<string, CloudEyeMetric[]>>>
}

export interface Sought {
  place: CloudPlace
  query: Listed
  /** Dimensions whose value is "*". */
  wild: readonly string[]
  /** Epoch milliseconds. */
  now: number
}

/** Filter of a list. It has only literal dimensions, so all servers under the same rule share one list. */
export type Listed = Omit<CloudEyeListQuery, "start">

interface CachedList {
  until: number
  found: Promise<Read<ReadonlyMap<string, CloudEyeMetric[]>>>
}

export function discoveryOf(sources: Pick<MetricSources, "cloudEyeList">): Discovery {
  const cache = new Map<string, CachedList>()
  const limited = limiterOf()
  return {
    find({ place, query, wild, now }) {
      const key = JSON.stringify([place.region, place.projectId, query, wild])
      const known = cache.get(key)
      cache.delete(key)
      const entry =
        known && known.until > now
          ? known
          : {
              until: now + LIFE_MS,
              found: allPages({ sources, limited, place, query }).then((read) => indexed(read, wild)),
            }
      cache.set(key, entry)
      for (const oldest of cache.keys()) if (cache.size > MAX_LISTS) cache.delete(oldest)
      return entry.found.then((read) => {
        // A failed or empty list is not kept: the next call requests it again.
        if ((!read.ok || read.value.size === 0) && cache.get(key) === entry) cache.delete(key)
        return read
      })
    },
  }
}

function indexed(
  read: Read<CloudEyeMetric[]>,
  wild: readonly string[],
): Read<ReadonlyMap<string, CloudEyeMetric[]>> {
  if (!read.ok) return read
  const byShape = new Map<string, CloudEyeMetric[]>()
  for (const metric of read.value) {
    const shape = metricKey(metric, wild)
    const known = byShape.get(shape)
    if (known) known.push(metric)
    else byShape.set(shape, [metric])
  }
  return { ...read, value: byShape }
}

interface Listing {
  sources: Pick<MetricSources, "cloudEyeList">
  limited: ConcurrencyLimiter
  place: CloudPlace
  query: Listed
}

/**
 * Reads all pages. It fails if the list may be incomplete, since an unlisted card would seem not to exist.
 */
async function allPages({ sources, limited, place, query }: Listing): Promise<Read<CloudEyeMetric[]>> {
  const found: CloudEyeMetric[] = []
  const markers = new Set<string>()
  let start: string | null = null
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const pageQuery: CloudEyeListQuery = start === null ? query : { ...query, start }
    const read = await limited(place.region, () => sources.cloudEyeList(place, pageQuery))
    if (!read.ok) return read
    for (const metric of read.value.metrics) found.push(metric)
    start = read.value.next
    if (start === null) return { ok: true, value: found, skewMs: read.skewMs }
    if (markers.has(start)) return incomplete("its pages repeat")
    markers.add(start)
  }
  return incomplete(`it has more than ${MAX_PAGES},000 series: name more dimensions in the rule`)
}

function incomplete(why: string): Extract<Read<never>, { ok: false }> {
  return {
    ok: false,
    why: `Cloud Eye's list of metrics is not complete: ${why}`,
    credentials: false,
    refused: true,
  }
}
