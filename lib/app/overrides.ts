import type { EndpointOverrides } from "../huawei/endpoints.ts"
import type { Settings } from "./settings.ts"

/** Endpoints that the settings name, in place of the region's own. */
export function overridesOf(settings: Settings): EndpointOverrides {
  const { modelartsEndpoint, cesEndpoint, bssEndpoint, ctsEndpoint } = settings
  return {
    modelarts: modelartsEndpoint ?? undefined,
    ces: cesEndpoint ?? undefined,
    bss: bssEndpoint ?? undefined,
    cts: ctsEndpoint ?? undefined,
  }
}
