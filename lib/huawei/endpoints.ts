/** Base URLs of one region, without a slash at the end. */
export interface Endpoints {
  modelarts: string
  ces: string
}

/** SUPERNODE_MODELARTS_ENDPOINT and SUPERNODE_CES_ENDPOINT; what is not written comes from the region. */
export interface EndpointOverrides {
  modelarts?: string | undefined
  ces?: string | undefined
}

// The one region whose ModelArts is documented under another top-level domain; should that be a slip of the SDK's
// tables, the endpoint can be overridden.
const MODELARTS_EXCEPTIONS: Readonly<Record<string, string>> = {
  "ap-southeast-1": "https://modelarts.ap-southeast-1.myhuaweicloud.cn",
}

export function endpointsOf(region: string, overrides: EndpointOverrides = {}): Endpoints {
  const modelarts = MODELARTS_EXCEPTIONS[region] ?? `https://modelarts.${region}.myhuaweicloud.com`
  return {
    modelarts: withoutSlash(overrides.modelarts ?? modelarts),
    ces: withoutSlash(overrides.ces ?? `https://ces.${region}.myhuaweicloud.com`),
  }
}

/** URL of a supernode, or of something below it: /v1/{project_id}/dev-servers/hyperinstance/{id}[/…]. */
export function supernodeUrl(place: SupernodePlace, below?: string): string {
  const base = `${withoutSlash(place.endpoint)}/v1/${place.projectId}/dev-servers/hyperinstance/${place.id}`
  return below === undefined ? base : `${base}/${below}`
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
