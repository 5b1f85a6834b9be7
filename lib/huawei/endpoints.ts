/** Base URLs of one region, without a slash at the end. */
export interface Endpoints {
  modelarts: string
  ces: string
  /** The billing service; null where none is known for the region. */
  bss: string | null
}

/** SUPERNODE_MODELARTS_ENDPOINT, SUPERNODE_CES_ENDPOINT, SUPERNODE_BSS_ENDPOINT; what is not written comes from the region. */
export interface EndpointOverrides {
  modelarts?: string | undefined
  ces?: string | undefined
  bss?: string | undefined
}

/**
 * The billing service of accounts of the Chinese site. Accounts of the international site have hosts of their own
 * (bss-intl.myhuaweicloud.com), and a region outside China does not tell which site an account belongs to.
 */
const CHINA_BSS = "https://bss.myhuaweicloud.com"

// The one region whose ModelArts is documented under another top-level domain; should that be a slip of the SDK's
// tables, the endpoint can be overridden.
const MODELARTS_EXCEPTIONS: Readonly<Record<string, string>> = {
  "ap-southeast-1": "https://modelarts.ap-southeast-1.myhuaweicloud.cn",
}

export function endpointsOf(region: string, overrides: EndpointOverrides = {}): Endpoints {
  const modelarts = MODELARTS_EXCEPTIONS[region] ?? `https://modelarts.${region}.myhuaweicloud.com`
  // Whoever plays ModelArts elsewhere has no orders in the public billing service.
  const isPublic = overrides.modelarts === undefined && region.startsWith("cn-")
  const bss = overrides.bss ?? (isPublic ? CHINA_BSS : null)
  return {
    modelarts: withoutSlash(overrides.modelarts ?? modelarts),
    ces: withoutSlash(overrides.ces ?? `https://ces.${region}.myhuaweicloud.com`),
    bss: bss === null ? null : withoutSlash(bss),
  }
}

/** URL of a supernode, or of something below it: /v1/{project_id}/dev-servers/hyperinstance/{id}[/…]. */
export function supernodeUrl(place: SupernodePlace, below?: string): string {
  const base = `${supernodesUrl(place)}/${place.id}`
  return below === undefined ? base : `${base}/${below}`
}

/** URL of the list of supernodes: /v1/{project_id}/dev-servers/hyperinstance. */
export function supernodesUrl({ endpoint, projectId }: Omit<SupernodePlace, "id">): string {
  return `${withoutSlash(endpoint)}/v1/${projectId}/dev-servers/hyperinstance`
}

export interface SupernodePlace {
  /** Base URL of ModelArts. */
  endpoint: string
  projectId: string
  /** `id` of the Lite Server supernode, not its hps_id. */
  id: string
}

function withoutSlash(url: string): string {
  let end = url.length
  while (url[end - 1] === "/") end -= 1
  return url.slice(0, end)
}
