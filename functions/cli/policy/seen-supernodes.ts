import { credentialSource } from "../../../lib/app/credentials.ts"
import { overridesOf } from "../../../lib/app/overrides.ts"
import type { Settings } from "../../../lib/app/settings.ts"
import { presentServers, type Supernode } from "../../../lib/decision/inputs/supernode.ts"
import { type HuaweiCloud, huaweiCloud } from "../../../lib/huawei/client.ts"
import type { Clock } from "../../../lib/ports.ts"
import { CommandError } from "../errors.ts"
import type { NewSupernode } from "./new-policy.ts"

export interface Project {
  region: string
  projectId: string
}

/** Supernodes of a project that the keys can see, for a new policy. Throws SettingsError and CommandError. */
export async function seenSupernodes(
  settings: Settings,
  clock: Clock,
  project: Project,
): Promise<NewSupernode[]> {
  const keys = credentialSource(settings, { now: clock.now })
  await keys.provide()
  const { proxy } = settings
  const cloud = huaweiCloud({ credentials: keys.provide, endpoints: overridesOf(settings), clock, proxy })
  try {
    const listed = await cloud.listSupernodes(project)
    if (!listed.ok)
      throw new CommandError(`the supernodes cannot be listed: ${listed.why}; nothing was written`)
    const living = listed.value.filter(({ status }) => status !== "TERMINATED")
    if (living.length === 0)
      throw new CommandError(
        `these keys see no supernode in project ${project.projectId} of ${project.region}; nothing was written. Check --region and --project-id, or leave out --from-cloud for a policy with placeholders`,
      )
    const seen: NewSupernode[] = []
    for (const supernode of living) seen.push(await seenSupernode(cloud, project, supernode))
    return seen
  } finally {
    await cloud.close()
  }
}

async function seenSupernode(
  cloud: HuaweiCloud,
  { region, projectId }: Project,
  supernode: Supernode,
): Promise<NewSupernode> {
  const { id, name } = supernode
  const offers = await cloud.readOffers({ region, projectId, id })
  const servers = supernode.servers === null ? null : presentServers(supernode)
  const [first] = servers ?? []
  const instanceId = first?.cloudServer.hpsEcsId ?? first?.cloudServer.id ?? first?.id
  const metrics = instanceId
    ? await cloud.listMetrics(
        { region, projectId },
        { dimensions: [{ name: "instance_id", value: instanceId }] },
      )
    : null
  return {
    region,
    projectId,
    id,
    name,
    servers: servers?.length ?? null,
    flavor: first?.flavor ?? null,
    offers: offers.ok ? offers.value : [],
    whyNoOffers: offers.ok ? null : offers.why,
    metrics: metrics?.ok ? metrics.value.metrics : [],
  }
}
