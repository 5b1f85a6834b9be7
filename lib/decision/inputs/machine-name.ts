// Names that monitoring systems use for the dimension or label of a machine. Case, `_` and `-` make no difference.

/** Dimensions whose values are ids. */
const BY_ID: readonly string[] = [
  "instanceid",
  "serverid",
  "ecsid",
  "hpsid",
  "hpsecsid",
  "cloudserverid",
  "unreadable",
]
/** Dimensions whose values may also be a machine's name or address. */
const BY_NAME: readonly string[] = [
  "node",
  "nodename",
  "host",
  "hostname",
  "server",
  "servername",
  "instance",
]

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export function isUuid(text: string): boolean {
  return UUID.test(text)
}

/** True if a dimension of that name holds the id of a machine. */
export function namesMachineById(name: string): boolean {
  return BY_ID.includes(plain(name))
}

/** True if a dimension of that name holds a machine's name, address or id. */
export function namesMachineByName(name: string): boolean {
  return BY_NAME.includes(plain(name))
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[_-]/g, "")
}
