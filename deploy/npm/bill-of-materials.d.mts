export interface Bundled {
  /** package.json and package-lock.json, parsed. */
  manifest: unknown
  lock: unknown
  /** Folders of packages, such as node_modules/zod. */
  bundled: readonly string[]
}

export function billOfMaterials(from: Bundled): Record<string, unknown>
