import { isAlias, isMap, isNode, isScalar, isSeq, type Node } from "yaml"
import type { Path } from "./path.ts"
import type { PolicyProblem } from "./problem.ts"
import type { Source } from "./source.ts"

/** A part of a file, such as one supernode or `defaults`. */
export interface SourceNode {
  source: Source
  path: Path
}

/** Place where a merged value is written: in the supernode itself, or in `defaults`. */
export interface Origin {
  source: Source
  /** Path within that file. */
  path: Path
  key: Node | null
  /** `null` if the path does not exist; then `parent` is its nearest existing ancestor. */
  node: Node | null
  parent: Node
}

/**
 * Finds where the merged value at `path` is written: in the first of `nodes` that has it. Maps merge deeply,
 * so each key of the path is looked up in turn.
 */
export function originOf(nodes: readonly [SourceNode, ...SourceNode[]], path: Path): Origin {
  let found = nodes.flatMap(({ source, path: base }) => {
    const node = nodeAt(source, base)
    return node ? [{ source, path: base, key: keyAt(source, base), node }] : []
  })
  for (const [depth, segment] of path.entries()) {
    const children = found.flatMap((at) => {
      const child = childOf(at.source, at.node, segment)
      return child ? [{ source: at.source, path: [...at.path, segment], ...child }] : []
    })
    const [first] = children
    if (first === undefined) return missing(nodes, found[0], path.slice(depth))
    // Only maps merge. Any other value hides the nodes after it.
    found = isMap(first.node) ? children.filter(({ node }) => isMap(node)) : [first]
  }
  const [at] = found
  return at ? { ...at, parent: at.node } : missing(nodes, undefined, path)
}

function missing(
  nodes: readonly [SourceNode, ...SourceNode[]],
  at: Omit<Origin, "parent"> | undefined,
  rest: Path,
): Origin {
  const [{ source, path }] = nodes
  const parent = at?.node ?? source.document.contents
  if (!isNode(parent)) throw new TypeError("a policy file without contents has no positions")
  return {
    source: at?.source ?? source,
    path: [...(at?.path ?? path), ...rest],
    key: at?.key ?? null,
    node: null,
    parent,
  }
}

/** A problem at the value of an origin, at its key, or at the parent if the value is missing. */
export function problemAt(origin: Origin, message: string, point: "value" | "key" = "value"): PolicyProblem {
  const { source, path, key, node, parent } = origin
  const empty = isScalar(node) && node.value === null && !node.source
  const target = (point === "key" || empty) && node !== null ? (key ?? parent) : (node ?? parent)
  const { line, col } = source.lines.linePos(target.range?.[0] ?? 0)
  return {
    file: source.file,
    line: Math.max(line, 1),
    column: Math.max(col, 1),
    path: path.join("."),
    message,
  }
}

function nodeAt(source: Source, path: Path): Node | null {
  let node: Node | null = source.document.contents
  for (const segment of path) node = node && (childOf(source, node, segment)?.node ?? null)
  return node && resolved(source, node)
}

function keyAt(source: Source, path: Path): Node | null {
  const [last] = path.slice(-1)
  const parent = nodeAt(source, path.slice(0, -1))
  return parent && last !== undefined ? (childOf(source, parent, last)?.key ?? null) : null
}

function childOf(
  source: Source,
  node: Node,
  segment: string | number,
): { key: Node | null; node: Node } | null {
  if (isSeq(node)) {
    const item = node.items[Number(segment)]
    return isNode(item) ? { key: null, node: resolved(source, item) } : null
  }
  if (!isMap(node)) return null
  // If a key is duplicated, its last value is used.
  const pair = node.items.findLast(({ key }) => isScalar(key) && String(key.value) === String(segment))
  if (!pair || !isNode(pair.key)) return null
  return { key: pair.key, node: isNode(pair.value) ? resolved(source, pair.value) : pair.key }
}

function resolved(source: Source, node: Node): Node {
  return isAlias(node) ? (node.resolve(source.document) ?? node) : node
}
