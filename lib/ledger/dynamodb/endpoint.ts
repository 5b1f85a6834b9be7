import { LedgerError } from "../../ports.ts"

/** Ends of the endpoints' names in AWS's partitions: of those with IPv4 only, and of those with both. */
const PARTITIONS: readonly [region: RegExp, suffix: string, dualStack: string][] = [
  [/^cn-/, "amazonaws.com.cn", "api.amazonwebservices.com.cn"],
  [/^eusc-/, "amazonaws.eu", "api.amazonwebservices.eu"],
  [/^us-iso-/, "c2s.ic.gov", "api.aws.ic.gov"],
  [/^us-isob-/, "sc2s.sgov.gov", "api.aws.scloud"],
  [/^us-isof-/, "csp.hci.ic.gov", "api.aws.hci.ic.gov"],
  [/^eu-isoe-/, "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"],
  [/^/, "amazonaws.com", "api.aws"],
]
/** Its ordinary endpoints are FIPS endpoints. */
const GOV_CLOUD = /^us-gov-/

/** AWS's own endpoint in a region, unless AWS's environment variables name another one. Throws LedgerError. */
export function endpointOf(region: string): URL {
  const named = namedEndpoint()
  if (named !== null) return named
  const isDualStack = isOn("AWS_USE_DUALSTACK_ENDPOINT")
  const isFips = isOn("AWS_USE_FIPS_ENDPOINT") && (isDualStack || !GOV_CLOUD.test(region))
  const [, suffix, dualStack] = PARTITIONS.find(([pattern]) => pattern.test(region)) ?? []
  return new URL(`https://dynamodb${isFips ? "-fips" : ""}.${region}.${isDualStack ? dualStack : suffix}`)
}

/** The endpoint that AWS's environment variables name; null: none. Throws LedgerError. */
export function namedEndpoint(): URL | null {
  if (isOn("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) return null
  const variable = ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"].find((name) => process.env[name])
  if (variable === undefined) return null
  const text = process.env[variable] ?? ""
  const url = URL.canParse(text) ? new URL(text) : null
  if (url && /^https?:$/.test(url.protocol) && url.username + url.password + url.search + url.hash === "")
    return url
  // Not the text itself: it may hold a password.
  throw new LedgerError(
    `${variable} must be an http or https URL without credentials, query and fragment, such as https://dynamodb.example.com. ` +
      "Correct it, or write endpoint= in SUPERNODE_LEDGER, which comes first",
  )
}

/** AWS's own programs know these two words only. Any other one must not switch a demand off without a word. */
function isOn(variable: string): boolean {
  const text = process.env[variable] ?? ""
  if (["", "true", "false"].includes(text)) return text === "true"
  throw new LedgerError(`${variable} must be true or false, and is ${JSON.stringify(text)}`)
}
