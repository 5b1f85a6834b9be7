// How monitoring systems call the dimension or label that names a machine. Case, `_` and `-` make no difference.

/** Their values are ids. */
const BY_ID: readonly string[] = [
  "instanceid",
  "serverid",
  "ecsid",
  "hpsid",
  "hpsecsid",
  "cloudserverid",
  "unreadable",
]
/** The same, but a machine's name or address is as good. */
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

/** Whether a dimension of that name holds the id of a machine. */
export function namesMachineById(name: string): boolean {
  return BY_ID.includes(plain(name))
}

/** Whether a dimension of that name holds a machine's name, address or id. */
export function namesMachineByName(name: string): boolean {
  return BY_NAME.includes(plain(name))
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[_-]/g, "")
}
