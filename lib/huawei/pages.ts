import * as z from "zod"
import { onFirstUse } from "../on-first-use.ts"
import type { Read } from "../ports.ts"
import type { Parsed } from "./cloud-response.ts"

/** Maximum number of records on a page. */
export const PAGE_SIZE = 100
const MAX_PAGES = 20

const pageShape = onFirstUse(() =>
  z.looseObject({
    total: z.number().nullable().catch(null),
    data: z.array(z.unknown()),
  }),
)

/** One page of a list wrapper: `{ current, pages, size, total, data }`. */
export interface Page<T> {
  /** Number of records on all pages; `null` if the answer does not contain it. */
  total: number | null
  items: T[]
}

/** The page in an answer; `itemsOf` parses its `data`. */
export function pageIn<T>(
  json: unknown,
  itemsOf: (data: readonly unknown[]) => Parsed<T[]>,
): Parsed<Page<T>> {
  const parsed = pageShape().safeParse(json)
  if (!parsed.success) return { ok: false, why: "the response has no list `data`" }
  const items = itemsOf(parsed.data.data)
  return items.ok ? { ok: true, value: { total: parsed.data.total, items: items.value } } : items
}

export interface PagedList<T> {
  operation: string
  /** Word for one record, used in messages. */
  noun: string
  keyOf(item: T): string
  readPage(offset: number): Promise<Read<Page<T>>>
}

/** Reads all records of a list, each once. If the list may be incomplete, the read fails. */
export async function readAllPages<T>({
  operation,
  noun,
  keyOf,
  readPage,
}: PagedList<T>): Promise<Read<T[]>> {
  const incomplete = (why: string): Extract<Read<never>, { ok: false }> => ({
    ok: false,
    why: `${operation} returned an incomplete list: ${why}`,
    credentials: false,
  })
  const found = new Map<string, T>()
  for (let pages = 1; pages <= MAX_PAGES; pages++) {
    const before = found.size
    const read = await readPage(found.size)
    if (!read.ok) return read
    const { total, items } = read.value
    for (const item of items) found.set(keyOf(item), item)
    const isLast = total === null ? items.length < PAGE_SIZE : found.size >= total
    if (isLast)
      return {
        ok: true,
        value: [...found.values()],
        skewMs: read.skewMs,
        ...(read.date === undefined ? {} : { date: read.date }),
      }
    if (found.size === before)
      return incomplete(`page ${pages} had no new ${noun}, ${found.size} of ${total ?? "?"} are known`)
  }
  return incomplete(`more than ${MAX_PAGES} pages`)
}
