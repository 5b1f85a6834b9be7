import { createHash } from "node:crypto"

/** A UUID that is the same for the same parts, so that a supernode's servers have the same ids in every sandbox. */
export function uuidOf(...parts: (string | number)[]): string {
  const hex = createHash("sha256").update(parts.join("\n")).digest("hex")
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `5${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-")
}

/** An order id such as `CS2411081650G9B6Z` (API page): the minute of the order (UTC), and its number. */
export function orderIdOf(at: number, number: number): string {
  const minute = new Date(at).toISOString().replace(/\D/g, "").slice(2, 12)
  return `CS${minute}${number.toString(36).toUpperCase().padStart(5, "0")}`
}
