import { readFileSync } from "node:fs"
import { join } from "node:path"

/** Written into the bundles by the build, since a function's zip does not contain our package.json. */
declare const SUPERNODE_AUTOSCALER_VERSION: string | undefined

/** Version from the build or, if run from the sources, from package.json. */
export function version(): string {
  if (typeof SUPERNODE_AUTOSCALER_VERSION === "string") return SUPERNODE_AUTOSCALER_VERSION
  const file: unknown = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"))
  return typeof file === "object" && file !== null && "version" in file ? String(file.version) : "unknown"
}
