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
 * Keys of the ledger's own setting. Without one, AWS's default chain: environment, profile, SSO, web
 * identity, process, container, instance. Each source caches its keys and renews those that expire.
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

/** First source of the chain. Every function has it, so a function need not import the other sources. */
function environmentKeys(): DynamoCredentials | null {
  const { AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env
  if (AWS_PROFILE || !AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return null
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN ? { sessionToken: AWS_SESSION_TOKEN } : {}),
  }
}

/** Requests to STS and SSO use the ledger's region and proxy. */
async function defaultChain({ region, ...network }: Wiring): Promise<KeySource> {
  const { defaultProvider } = await import("@aws-sdk/credential-provider-node")
  const parentClientConfig = { region: async () => region, requestHandler: sdkHandler(network) }
  return defaultProvider({ parentClientConfig } as Parameters<typeof defaultProvider>[0])
}
