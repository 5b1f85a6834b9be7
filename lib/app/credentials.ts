import { AsyncLocalStorage } from "node:async_hooks"
import * as z from "zod"
import { type PrometheusAuth, parsePrometheusAuth } from "../metrics/prometheus/auth.ts"
import { onFirstUse } from "../on-first-use.ts"
import { type Settings, SettingsError } from "./settings.ts"

/** Keys that sign requests to Huawei Cloud. Never logged, never recorded. */
export interface Credentials {
  ak: string
  sk: string
  /** `X-Security-Token` of temporary keys; `null` for permanent keys. */
  securityToken: string | null
}

/** Time for which a secret is cached. A rotated secret is in use after at most this time. */
const SECRET_LIFE_MS = 5 * 60_000

const secretShape = onFirstUse(() =>
  z.object({
    HUAWEICLOUD_SDK_AK: z.string().min(1),
    HUAWEICLOUD_SDK_SK: z.string().min(1),
    HUAWEICLOUD_SDK_SECURITY_TOKEN: z.string().min(1).optional(),
  }),
)

export interface SecretOptions {
  now(): number
  readSecret?(arn: string): Promise<string>
}

export interface CredentialSource {
  /** Current signing keys; called for every request. Throws SettingsError if there are no keys. */
  provide(): Promise<Credentials>
  /** Prometheus logins from the setting, otherwise from the secret; may be empty. Throws SettingsError. */
  prometheusAuth(): Promise<PrometheusAuth>
  /**
   * PostgreSQL password of the ledger, from PGPASSWORD, otherwise from the secret; `null` if neither has one.
   * Throws SettingsError.
   */
  postgresPassword(): Promise<string | null>
  /** Runs `work` with temporary keys of an invocation (FunctionGraph); `null` uses those of the settings. */
  during<T>(keys: Credentials | null, work: () => Promise<T>): Promise<T>
}

/** Looks for keys in this order: the invocation, the environment, the Secrets Manager secret. */
export function credentialSource(
  settings: Pick<Settings, "credentials" | "secretArn" | "prometheusAuth" | "postgresPassword" | "proxy">,
  { now, readSecret = (arn) => readAwsSecret(arn, settings.proxy) }: SecretOptions,
): CredentialSource {
  const invocation = new AsyncLocalStorage<Credentials | null>()
  let cached: { text: string; until: number } | null = null

  async function secretText(arn: string): Promise<string> {
    if (cached && cached.until > now()) return cached.text
    const text = await readSecret(arn)
    cached = { text, until: now() + SECRET_LIFE_MS }
    return text
  }

  return {
    async provide() {
      const own = invocation.getStore() ?? settings.credentials
      if (own) return own
      if (settings.secretArn) return keysIn(settings.secretArn, await secretText(settings.secretArn))
      throw new SettingsError([
        "no credentials: set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, name a secret in SUPERNODE_SECRET_ARN, or give the function an agency (FunctionGraph)",
      ])
    },
    async prometheusAuth() {
      if (settings.prometheusAuth) return settings.prometheusAuth
      return settings.secretArn ? loginsIn(settings.secretArn, await secretText(settings.secretArn)) : []
    },
    async postgresPassword() {
      const { postgresPassword, secretArn } = settings
      if (postgresPassword !== null || secretArn === null) return postgresPassword
      return passwordShape().safeParse(jsonOrNull(await secretText(secretArn))).data?.PGPASSWORD ?? null
    },
    // The first `invocation.run` makes every promise of the process slower. Only temporary keys need it.
    during: (keys, work) => (keys === null && !invocation.getStore() ? work() : invocation.run(keys, work)),
  }
}

/**
 * Problems of keys that a shell, an env file or a secret damaged: quotes that became part of the key, or a
 * variable that was not replaced. Names the setting, never the key. Empty if there are no problems.
 */
export function malformedKeys({ ak, sk }: Credentials): string[] {
  const named = { HUAWEICLOUD_SDK_AK: ak, HUAWEICLOUD_SDK_SK: sk }
  return Object.entries(named).flatMap(([name, key]) => {
    if (/^["']|["']$/.test(key)) return [`${name} contains quotes as part of its value; remove them`]
    return key.includes("$")
      ? [`${name} contains a $, as if it named a variable: write the value itself`]
      : []
  })
}

function keysIn(arn: string, text: string): Credentials {
  const parsed = secretShape().safeParse(jsonOrNull(text))
  if (!parsed.success) {
    throw new SettingsError([
      `the secret ${arn} must be JSON with HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK (and HUAWEICLOUD_SDK_SECURITY_TOKEN for temporary keys)`,
    ])
  }
  const {
    HUAWEICLOUD_SDK_AK: ak,
    HUAWEICLOUD_SDK_SK: sk,
    HUAWEICLOUD_SDK_SECURITY_TOKEN: token,
  } = parsed.data
  return { ak, sk, securityToken: token ?? null }
}

const passwordShape = onFirstUse(() => z.object({ PGPASSWORD: z.string().min(1).optional() }))

const loginsShape = onFirstUse(() => z.object({ SUPERNODE_PROMETHEUS_AUTH: z.unknown().optional() }))

/** The secret may hold SUPERNODE_PROMETHEUS_AUTH as text, like the environment, or as a JSON object. */
function loginsIn(arn: string, text: string): PrometheusAuth {
  const written = loginsShape().safeParse(jsonOrNull(text)).data?.SUPERNODE_PROMETHEUS_AUTH
  if (written === undefined) return []
  const { logins, problems } = parsePrometheusAuth(
    typeof written === "string" ? written : JSON.stringify(written),
  )
  if (problems.length === 0) return logins
  throw new SettingsError(
    problems.map((problem) => `SUPERNODE_PROMETHEUS_AUTH in the secret ${arn}: ${problem}`),
  )
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Loads the AWS client only if a secret is named, which keeps other cold starts short. */
async function readAwsSecret(arn: string, proxy: Settings["proxy"]): Promise<string> {
  const [{ GetSecretValueCommand, SecretsManagerClient }, { sdkHandler }] = await Promise.all([
    import("@aws-sdk/client-secrets-manager"),
    import("../http/sdk-handler.ts"),
  ])
  const client = new SecretsManagerClient({
    requestHandler: sdkHandler({ proxy, connectMs: 2_000, requestMs: 5_000 }),
  })
  try {
    const answer = await client.send(new GetSecretValueCommand({ SecretId: arn }))
    return answer.SecretString ?? ""
  } catch (error) {
    throw new SettingsError([
      `the secret ${arn} could not be read: ${error instanceof Error ? error.message : String(error)}`,
    ])
  } finally {
    client.destroy()
  }
}
