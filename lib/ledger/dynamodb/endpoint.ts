/** Partitions whose endpoints do not end as all others do. */
const SUFFIXES: readonly [region: RegExp, suffix: string][] = [
  [/^cn-/, "amazonaws.com.cn"],
  [/^eusc-/, "amazonaws.eu"],
  [/^us-iso-/, "c2s.ic.gov"],
  [/^us-isob-/, "sc2s.sgov.gov"],
  [/^us-isof-/, "csp.hci.ic.gov"],
  [/^eu-isoe-/, "cloud.adc-e.uk"],
]

/** AWS's own endpoint in a region, unless AWS's environment variables name another one. */
export function endpointOf(region: string): string {
  const { AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS } = process.env
  const named = AWS_ENDPOINT_URL_DYNAMODB || AWS_ENDPOINT_URL
  if (named && AWS_IGNORE_CONFIGURED_ENDPOINT_URLS !== "true") return named
  const service = process.env["AWS_USE_FIPS_ENDPOINT"] === "true" ? "dynamodb-fips" : "dynamodb"
  const [, suffix] = SUFFIXES.find(([pattern]) => pattern.test(region)) ?? [null, "amazonaws.com"]
  return `https://${service}.${region}.${suffix}`
}
