declare module "dynalite" {
  import type { Server } from "node:http"

  /** Milliseconds a table stays in CREATING, DELETING, UPDATING. */
  interface DynaliteOptions {
    createTableMs?: number
    deleteTableMs?: number
    updateTableMs?: number
  }

  export default function dynalite(options?: DynaliteOptions): Server
}
