import { includesId, isSameId } from "../../decision/inputs/id.ts"
import { isUuid, namesMachineById, namesMachineByName } from "../../decision/inputs/machine-name.ts"
import type { AlarmSignal } from "../../decision/inputs/signal.ts"
import { presentServers, type Server, type Supernode } from "../../decision/inputs/supernode.ts"

/**
 * Resource of an alarm: one of the supernode's servers, no particular server, or one outside the supernode.
 */
export type NamedResource =
  | { kind: "server"; id: string }
  | { kind: "none" }
  | { kind: "foreign"; says: string }

/**
 * The resource that an alarm names. Each part of it that names a machine must belong to the supernode.
 * Dimensions of Cloud Eye and attributes of a CloudWatch contributor always name a machine. `name` is the
 * supernode's name in the policy.
 */
export function namedResource(signal: AlarmSignal, supernode: Supernode, name: string): NamedResource {
  const parts = Object.entries(signal.resource).flatMap(([dimension, values]) =>
    values.split(",").map((value) => ({ dimension, value: value.trim() })),
  )
  if (parts.length === 0) return { kind: "none" }
  const servers = presentServers(supernode)
  const whole = [supernode.id, supernode.name, name].flatMap((one) => one ?? [])
  const read = parts.map((part) => ({
    ...part,
    server: servers.find((server) => isNamed(server, part)),
    isWhole: includesId(whole, part.value),
  }))
  const foreign = read.find((part) => !part.server && !part.isWhole && namesMachine(part))
  if (foreign) return { kind: "foreign", says: `${foreign.dimension} ${foreign.value}` }
  const [first, another] = new Set(read.flatMap(({ server }) => server?.id ?? []))
  if (first !== undefined) return another === undefined ? { kind: "server", id: first } : { kind: "none" }
  const isOurs = read.some(({ isWhole }) => isWhole)
  const alwaysNamesOne = signal.source === "cloud-eye" || signal.contributor !== undefined
  const [part] = parts
  if (isOurs || !alwaysNamesOne || part === undefined) return { kind: "none" }
  return { kind: "foreign", says: `${part.dimension} ${part.value}` }
}

interface Part {
  dimension: string
  value: string
}

function isNamed({ id, name, cloudServer }: Server, { dimension, value }: Part): boolean {
  const ids = [id, cloudServer.id, cloudServer.hpsId, cloudServer.hpsEcsId]
  const names = namesMachineByName(dimension) ? [...ids, name] : ids
  return names.some((one) => one !== null && isSameId(one, value))
}

function namesMachine({ dimension, value }: Part): boolean {
  return namesMachineById(dimension) || namesMachineByName(dimension) || isUuid(value)
}
