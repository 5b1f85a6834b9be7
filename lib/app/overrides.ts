import type { EndpointOverrides } from "../huawei/endpoints.ts"
import type { Settings } from "./settings.ts"

/** Endpoints from the settings, which replace those of the region; `undefined` keeps the region's own. */
export function overridesOf(settings: Settings): EndpointOverrides {
  const { modelartsEndpoint, cesEndpoint, bssEndpoint, ctsEndpoint } = settings
  return {
    modelarts: modelartsEndpoint ?? undefined,
    ces: cesEndpoint ?? undefined,
    bss: bssEndpoint ?? undefined,
    cts: ctsEndpoint ?? undefined,
  }
}
