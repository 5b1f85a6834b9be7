/** Base URLs of one region, without a slash at the end. */
export interface Endpoints {
  modelarts: string
  ces: string
  /** Billing service (BSS); `null` if no endpoint is known for the region. */
  bss: string | null
  /** Cloud Trace Service; `null` if the ModelArts endpoint is overridden and the CTS endpoint is not. */
  cts: string | null
}

/**
 * SUPERNODE_MODELARTS_ENDPOINT, SUPERNODE_CES_ENDPOINT, SUPERNODE_BSS_ENDPOINT and SUPERNODE_CTS_ENDPOINT. An
 * endpoint that is not set is derived from the region.
 */
export interface EndpointOverrides {
  modelarts?: string | undefined
  ces?: string | undefined
  bss?: string | undefined
  cts?: string | undefined
}

/**
 * Billing service for accounts of the Chinese site. Accounts of the international site use other hosts
 * (bss-intl.myhuaweicloud.com). For a region outside China we cannot tell to which site an account belongs.
 */
const CHINA_BSS = "https://bss.myhuaweicloud.com"

// The only region whose ModelArts is documented under another top-level domain. If the SDK's tables are
// wrong, the endpoint can be overridden.
const MODELARTS_EXCEPTIONS: Readonly<Record<string, string>> = {
  "ap-southeast-1": "https://modelarts.ap-southeast-1.myhuaweicloud.cn",
}

/** The only region whose CTS has another top-level domain in the SDK's tables. */
const CTS_EXCEPTIONS: Readonly<Record<string, string>> = {
  "eu-west-101": "https://cts.eu-west-101.myhuaweicloud.eu",
}

export function endpointsOf(region: string, overrides: EndpointOverrides = {}): Endpoints {
  const modelarts = MODELARTS_EXCEPTIONS[region] ?? `https://modelarts.${region}.myhuaweicloud.com`
  // The public billing service and the public CTS do not know the orders and traces of another ModelArts.
  const isPublic = overrides.modelarts === undefined
  const bss = overrides.bss ?? (isPublic && region.startsWith("cn-") ? CHINA_BSS : null)
  const publicCts = CTS_EXCEPTIONS[region] ?? `https://cts.${region}.myhuaweicloud.com`
  const cts = overrides.cts ?? (isPublic ? publicCts : null)
  return {
    modelarts: withoutSlash(overrides.modelarts ?? modelarts),
    ces: withoutSlash(overrides.ces ?? `https://ces.${region}.myhuaweicloud.com`),
    bss: bss === null ? null : withoutSlash(bss),
    cts: cts === null ? null : withoutSlash(cts),
  }
}

/** URL of a supernode or of its subresource `below`: /v1/{project_id}/dev-servers/hyperinstance/{id}[/…]. */
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
