import { CommandError } from "./errors.ts"

/** The error of a server that cannot listen there, in words; any other error as it is. */
export function listenError(error: unknown, { host, port }: { host: string; port: number }): unknown {
  const code = error instanceof Error && "code" in error ? error.code : null
  if (code === "EADDRINUSE")
    return new CommandError(`port ${port} on ${host} is in use; choose another with --port`)
  if (code === "EACCES")
    return new CommandError(`port ${port} on ${host} may not be used by this user; choose one above 1023`)
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
    return new CommandError(`${host} is no address of this machine; choose another with --host`)
  return error
}
