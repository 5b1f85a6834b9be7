/** Key of a cloud id. Ids are UUIDs, which compare without case: equal ids have equal keys. */
export function idKey(id: string): string {
  return id.toLowerCase()
}

export function isSameId(a: string, b: string): boolean {
  return idKey(a) === idKey(b)
}

/** Membership in a list of ids, without case. */
export function includesId(ids: readonly string[], id: string): boolean {
  return ids.some((one) => isSameId(one, id))
}
