import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { parse } from "@cdktn/hcl2json"
import { ROOT } from "../packaging/built.ts"

export const KIT = join(ROOT, "deploy/huawei")

/** A block's body as hcl2json returns it: arguments by name, and nested blocks as lists. */
export type Body = Record<string, unknown>

export interface Kit {
  resource: Record<string, Record<string, [Body]>>
  variable: Record<string, [Body]>
  output: Record<string, [Body]>
  locals: Body
}

/** All files of the kit as one configuration, as Terraform reads them. */
export async function readKit(folder = KIT): Promise<Kit> {
  const kit: Kit = { resource: {}, variable: {}, output: {}, locals: {} }
  for (const file of (await readdir(folder)).filter((name) => name.endsWith(".tf"))) {
    const parsed = await parse(file, await readFile(join(folder, file), "utf8"))
    for (const [type, named] of Object.entries((parsed["resource"] ?? {}) as Kit["resource"])) {
      kit.resource[type] = { ...kit.resource[type], ...named }
    }
    Object.assign(kit.variable, parsed["variable"])
    Object.assign(kit.output, parsed["output"])
    for (const locals of (parsed["locals"] ?? []) as Body[]) Object.assign(kit.locals, locals)
  }
  return kit
}

/** Every resource with its address, such as `huaweicloud_smn_topic.alarms`. */
export function resourcesOf(kit: Kit): { address: string; type: string; body: Body }[] {
  return Object.entries(kit.resource).flatMap(([type, named]) =>
    Object.entries(named).map(([name, [body]]) => ({ address: `${type}.${name}`, type, body })),
  )
}
