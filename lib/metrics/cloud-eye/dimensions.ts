import type { CloudEyeMetric } from "../../cloud-eye.ts"
import { idKey } from "../../decision/inputs/id.ts"
import type { Server } from "../../decision/inputs/supernode.ts"
import type { DIMENSION_TEMPLATES } from "../../decision/policy/choices.ts"

type Template = (typeof DIMENSION_TEMPLATES)[number]

/** Resource for which a metric's dimensions are filled in. `server` is `null` if they name no server. */
export interface Resource {
  supernode: string
  server: Server | null
}

const FIELDS: Record<Template, (resource: Resource) => string | null> = {
  "{supernode.id}": ({ supernode }) => supernode,
  "{server.id}": ({ server }) => server?.id ?? null,
  "{server.name}": ({ server }) => server?.name ?? null,
  "{server.cloud_server.id}": ({ server }) => server?.cloudServer.id ?? null,
  "{server.cloud_server.hps_id}": ({ server }) => server?.cloudServer.hpsId ?? null,
  "{server.cloud_server.hps_ecs_id}": ({ server }) => server?.cloudServer.hpsEcsId ?? null,
}

/** True if there is one series per server, false if there is one for the whole supernode. */
export function namesServers(dimensions: Record<string, string>): boolean {
  return Object.values(dimensions).some((text) => templatesIn(text).some((name) => name !== "{supernode.id}"))
}

/** The dimensions of one resource, in the rule's order; or the template whose field the cloud left empty. */
export function fillDimensions(
  dimensions: Record<string, string>,
  resource: Resource,
): { filled: { name: string; value: string }[] } | { lacks: string } {
  const filled: { name: string; value: string }[] = []
  for (const [name, text] of Object.entries(dimensions)) {
    const lacking = templatesIn(text).find((template) => !FIELDS[template](resource))
    if (lacking !== undefined) return { lacks: lacking.slice(1, -1) }
    // One pass with a replacer function, so that a template or a `$&` in a server's name is not expanded.
    const value = text.replace(BRACED, (template) => FIELDS[template as Template]?.(resource) ?? template)
    filled.push({ name, value })
  }
  return { filled }
}

/**
 * Equal for metrics with the same name and the same values of dimensions, in any order. Case is ignored,
 * since most values are ids. All values of a dimension in `wild` count as equal.
 */
export function metricKey(
  { namespace, metric_name, dimensions }: CloudEyeMetric,
  wild: readonly string[] = [],
): string {
  const sorted = dimensions
    .map(({ name, value }) => [name, wild.includes(name) ? WILDCARD : idKey(value)])
    .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1))
  return JSON.stringify([namespace, metric_name, sorted])
}

/** Value of a dimension that matches every value that Cloud Eye knows. */
export const WILDCARD = "*"

const BRACED = /\{[^{}]*\}/g

function templatesIn(text: string): Template[] {
  const braced: string[] = text.match(BRACED) ?? []
  return braced.filter((name): name is Template => Object.hasOwn(FIELDS, name))
}
