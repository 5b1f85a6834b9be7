import type { CloudEyeListQuery, CloudEyeMetric, CloudPlace } from "../../cloud-eye.ts"
import type { Read } from "../../ports.ts"
import { type ConcurrencyLimiter, limiterOf } from "../batching/concurrency.ts"
import type { MetricSources } from "../sources.ts"
import { metricKey } from "./dimensions.ts"

/** New cards and servers are found this much later, at most. */
const LIFE_MS = 5 * 60_000
/** Lists kept at once; the ones not asked for longest go first. */
const MAX_LISTS = 64
/** Pages of 1,000 per list: far above any supernode's, and a bound on what a wrong rule costs. */
const MAX_PAGES = 50

/** Finds the series that Cloud Eye knows, all pages. All who ask for the same within a few minutes share one answer. */
export interface Discovery {
  /** Listed series by their `metricKey`, the dimensions named in `wild` taken for equal. Never rejects. */
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

/** What to list; only literal dimensions, so that one list serves all servers of all supernodes with the same rule. */
export type Listed = Omit<CloudEyeListQuery, "start">

interface Kept {
  until: number
  found: Promise<Read<ReadonlyMap<string, CloudEyeMetric[]>>>
}

export function discoveryOf(sources: Pick<MetricSources, "cloudEyeList">): Discovery {
  const kept = new Map<string, Kept>()
  const limited = limiterOf()
  return {
    find({ place, query, wild, now }) {
      const key = JSON.stringify([place.region, place.projectId, query, wild])
      const known = kept.get(key)
      kept.delete(key)
      const entry =
        known && known.until > now
          ? known
          : {
              until: now + LIFE_MS,
              found: allPages({ sources, limited, place, query }).then((read) => indexed(read, wild)),
            }
      kept.set(key, entry)
      for (const oldest of kept.keys()) if (kept.size > MAX_LISTS) kept.delete(oldest)
      return entry.found.then((read) => {
        // What failed, or was empty, is looked for again by the next one who asks.
        if ((!read.ok || read.value.size === 0) && kept.get(key) === entry) kept.delete(key)
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

/** A list that may be incomplete is refused: a card that is missing in it would be taken for one that does not exist. */
async function allPages({ sources, limited, place, query }: Listing): Promise<Read<CloudEyeMetric[]>> {
  const found: CloudEyeMetric[] = []
  const markers = new Set<string>()
  let start: string | null = null
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const asked: CloudEyeListQuery = start === null ? query : { ...query, start }
    const read = await limited(place.region, () => sources.cloudEyeList(place, asked))
    if (!read.ok) return read
    for (const metric of read.value.metrics) found.push(metric)
    start = read.value.next
    if (start === null) return { ok: true, value: found, skewMs: read.skewMs }
    if (markers.has(start)) return incomplete("its pages go in a circle")
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
