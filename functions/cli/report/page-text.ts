import { join } from "node:path"
import type { BuildOptions } from "esbuild"
import options from "./page/esbuild.json" with { type: "json" }

/** The page's script and its style sheet, each as one text. */
export interface PageText {
  script: string
  style: string
}

/**
 * Bundles folder `page`. This runs only from the sources: the build replaces this file by a module with the
 * finished texts (esbuild.config.mjs).
 */
export function pageText(): Promise<PageText> {
  made ??= bundle()
  return made
}

let made: Promise<PageText> | null = null

async function bundle(): Promise<PageText> {
  const { build } = await import("esbuild")
  const absWorkingDir = join(import.meta.dirname, "../../..")
  const { outputFiles = [] } = await build({ ...(options as BuildOptions), absWorkingDir })
  const textOf = (end: string): string => outputFiles.find(({ path }) => path.endsWith(end))?.text ?? ""
  return { script: textOf(".js"), style: textOf(".css") }
}
