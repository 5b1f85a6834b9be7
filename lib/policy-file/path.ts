import { isPair, isScalar, isSeq } from "yaml"

export type Path = readonly (string | number)[]

/** Key or index of `child` in `parent`; empty if `child` adds nothing to the path. */
export function stepInto(parent: unknown, child: unknown): Path {
  if (isSeq(parent)) return [parent.items.indexOf(child)]
  if (!isPair(child)) return []
  return [isScalar(child.key) ? String(child.key.value) : String(child.key)]
}
