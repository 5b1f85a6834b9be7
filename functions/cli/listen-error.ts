import { CommandError } from "./errors.ts"

/** Explains why a server cannot listen on this address. Returns any other error unchanged. */
export function listenError(error: unknown, { host, port }: { host: string; port: number }): unknown {
  const code = error instanceof Error && "code" in error ? error.code : null
  if (code === "EADDRINUSE")
    return new CommandError(`port ${port} on ${host} is in use; choose another with --port`)
  if (code === "EACCES")
    return new CommandError(`port ${port} on ${host} may not be used by this user; choose one above 1023`)
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND")
    return new CommandError(`${host} is not an address of this machine; choose another with --host`)
  return error
}
