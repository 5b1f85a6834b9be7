import * as z from "zod"
import { onFirstUse } from "../on-first-use.ts"
import type { Read } from "../ports.ts"
import type { Parsed } from "./http-answer.ts"

/** Records that one page may have. */
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
  /** Of all pages; null where the answer does not say. */
  total: number | null
  items: T[]
}

/** The page in an answer; `itemsOf` reads its `data`. */
export function pageIn<T>(
  json: unknown,
  itemsOf: (data: readonly unknown[]) => Parsed<T[]>,
): Parsed<Page<T>> {
  const parsed = pageShape().safeParse(json)
  if (!parsed.success) return { ok: false, why: "the answer has no list `data`" }
  const items = itemsOf(parsed.data.data)
  return items.ok ? { ok: true, value: { total: parsed.data.total, items: items.value } } : items
}

export interface PagedList<T> {
  operation: string
  /** What one record is, for sentences. */
  noun: string
  keyOf(item: T): string
  readPage(offset: number): Promise<Read<Page<T>>>
}

/** All records of a list, each once. A list that may be incomplete counts as unread. */
export async function readAllPages<T>({
  operation,
  noun,
  keyOf,
  readPage,
}: PagedList<T>): Promise<Read<T[]>> {
  const incomplete = (why: string): Extract<Read<never>, { ok: false }> => ({
    ok: false,
    why: `${operation} gave no complete list: ${why}`,
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
      return incomplete(`page ${pages} brought no ${noun}, ${found.size} of ${total ?? "?"} are known`)
  }
  return incomplete(`more than ${MAX_PAGES} pages`)
}
