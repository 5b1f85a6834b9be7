import type { ProxySettings } from "../../http/proxy.ts"
import { sdkHandler } from "../../http/sdk-handler.ts"
import type { DynamoCredentials } from "./signature.ts"

export type KeySource = () => Promise<DynamoCredentials>

interface Wiring {
  region: string
  proxy: ProxySettings | null
  connectMs: number
  requestMs: number
}

/**
 * The keys of the ledger's own setting; without any, AWS's default chain: environment, profile, SSO, web identity, process,
 * container, instance. Each source caches what it has and fetches anew what runs out.
 */
export function keySource(own: DynamoCredentials | KeySource | undefined, wiring: Wiring): KeySource {
  if (typeof own === "function") return own
  if (own !== undefined) return async () => own
  let chain: Promise<KeySource> | undefined
  return async () => {
    const found = environmentKeys()
    if (found) return found
    chain ??= defaultChain(wiring)
    return (await chain)()
  }
}

/** The chain's first source, which every function has: the rest of it, and all that it imports, is not needed there. */
function environmentKeys(): DynamoCredentials | null {
  const { AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env
  if (AWS_PROFILE || !AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return null
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}),
  }
}

/** STS and SSO are asked in the ledger's region and through its proxy. */
async function defaultChain({ region, ...way }: Wiring): Promise<KeySource> {
  const { defaultProvider } = await import("@aws-sdk/credential-provider-node")
  const parentClientConfig = { region: async () => region, requestHandler: sdkHandler(way) }
  return defaultProvider({ parentClientConfig } as Parameters<typeof defaultProvider>[0])
}
