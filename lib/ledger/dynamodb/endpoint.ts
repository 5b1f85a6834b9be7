import { LedgerError } from "../../ports.ts"

/** Suffixes of the endpoint names in AWS's partitions: for IPv4 only, and for dual stack (IPv4 and IPv6). */
const PARTITIONS: readonly [region: RegExp, suffix: string, dualStack: string][] = [
  [/^cn-/, "amazonaws.com.cn", "api.amazonwebservices.com.cn"],
  [/^eusc-/, "amazonaws.eu", "api.amazonwebservices.eu"],
  [/^us-iso-/, "c2s.ic.gov", "api.aws.ic.gov"],
  [/^us-isob-/, "sc2s.sgov.gov", "api.aws.scloud"],
  [/^us-isof-/, "csp.hci.ic.gov", "api.aws.hci.ic.gov"],
  [/^eu-isoe-/, "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"],
  [/^/, "amazonaws.com", "api.aws"],
]
/** Regions whose ordinary endpoints are already FIPS endpoints. */
const GOV_CLOUD = /^us-gov-/

const FIPS = "AWS_USE_FIPS_ENDPOINT"
const DUAL_STACK = "AWS_USE_DUALSTACK_ENDPOINT"

/**
 * Endpoint to use: `ofUrl` (null if the ledger's url has none), else the one in AWS's environment variables,
 * else AWS's own in the region. Throws LedgerError.
 */
export function endpointOf(region: string, ofUrl: string | null = null): URL {
  const named = ofUrl === null ? namedEndpoint() : new URL(ofUrl)
  if (named !== null) return checkedEndpoint(named)
  const isDualStack = isOn(DUAL_STACK)
  const isFips = isOn(FIPS) && (isDualStack || !GOV_CLOUD.test(region))
  const [, suffix, dualStack] = PARTITIONS.find(([pattern]) => pattern.test(region)) ?? []
  return new URL(`https://dynamodb${isFips ? "-fips" : ""}.${region}.${isDualStack ? dualStack : suffix}`)
}

/** Endpoint in AWS's environment variables; null if there is none or it is ignored. Throws LedgerError. */
export function namedEndpoint(): URL | null {
  if (isOn("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) return null
  const variable = ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"].find((name) => process.env[name])
  if (variable === undefined) return null
  const text = process.env[variable] ?? ""
  const url = URL.canParse(text) ? new URL(text) : null
  if (url && /^https?:$/.test(url.protocol) && url.username + url.password + url.search + url.hash === "")
    return url
  // The message does not repeat the value, which may contain a password.
  throw new LedgerError(
    `${variable} must be an http or https URL without credentials, query and fragment, such as https://dynamodb.example.com. ` +
      "Correct it, or write endpoint= in SUPERNODE_LEDGER, which takes precedence",
  )
}

/** Rejects FIPS or dual stack with a named endpoint: they need AWS's own. Amazon's client does the same. */
function checkedEndpoint(named: URL): URL {
  const demand = [FIPS, DUAL_STACK].find(isOn)
  if (demand === undefined) return named
  throw new LedgerError(
    `${demand} is true and cannot be combined with the endpoint ${named.origin}: unset ${demand}, or remove the endpoint`,
  )
}

/** AWS's own programs accept only `true` and `false`. A typo throws here and cannot disable FIPS silently. */
function isOn(variable: string): boolean {
  const text = process.env[variable] ?? ""
  if (["", "true", "false"].includes(text)) return text === "true"
  throw new LedgerError(`${variable} must be true or false, not ${JSON.stringify(text)}`)
}
