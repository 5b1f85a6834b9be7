import { DynamoDBClient } from "@aws-sdk/client-dynamodb"
import { afterEach, expect, test, vi } from "vitest"
import { endpointOf } from "../../../lib/ledger/dynamodb/endpoint.ts"
import { openLedger } from "../../../lib/ledger/open.ts"
import { ANY_KEYS } from "./keys.ts"

afterEach(() => vi.unstubAllEnvs())

const REGIONS =
  "eu-central-1 us-gov-west-1 cn-north-1 eusc-de-east-1 us-iso-east-1 us-isob-east-1 us-isof-south-1 eu-isoe-west-1"

test.each(REGIONS.split(" "))(
  "the DynamoDB endpoint of %s equals that of Amazon's client, also for FIPS and dual-stack",
  (region) => {
    const client = new DynamoDBClient({ region, credentials: ANY_KEYS })
    for (const [fips, dualStack] of [
      ["", ""],
      ["true", "false"],
      ["false", "true"],
      ["true", "true"],
    ] as const) {
      vi.stubEnv("AWS_USE_FIPS_ENDPOINT", fips)
      vi.stubEnv("AWS_USE_DUALSTACK_ENDPOINT", dualStack)
      const { url } = client.config.endpointProvider(
        { Region: region, UseFIPS: fips === "true", UseDualStack: dualStack === "true" },
        {},
      )
      expect(endpointOf(region).href).toBe(url.href)
    }
    client.destroy()
  },
)

test.each([
  ["AWS_USE_FIPS_ENDPOINT", "yes", 'must be true or false, not "yes"'],
  ["AWS_USE_DUALSTACK_ENDPOINT", "TRUE", 'must be true or false, not "TRUE"'],
  ["AWS_ENDPOINT_URL", "localhost:8000", "must be an http or https URL"],
  ["AWS_ENDPOINT_URL_DYNAMODB", "foo bar", "must be an http or https URL"],
  ["AWS_ENDPOINT_URL", "http://user:PASSWORD@127.0.0.1", "must be an http or https URL without credentials"],
])(
  "an invalid %s=%s is refused by name, and the default endpoint is not used instead",
  async (name, text, says) => {
    vi.stubEnv(name, text)
    const opening = openLedger("dynamodb://ledger?region=eu-central-1", { dynamodbCredentials: ANY_KEYS })
    const error = await opening.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ name: "LedgerError" })
    expect(String(error)).toContain(`${name} ${says}`)
    expect(String(error)).not.toContain("PASSWORD")
  },
)

test.each([
  ["dynamodb://ledger?region=eu-central-1&endpoint=http://127.0.0.1:1", "AWS_USE_FIPS_ENDPOINT", {}],
  [
    "dynamodb://ledger?region=eu-central-1",
    "AWS_USE_DUALSTACK_ENDPOINT",
    { AWS_ENDPOINT_URL: "http://127.0.0.1:1" },
  ],
])(
  "a ledger at %s with %s=true and %j is refused, because its endpoint cannot satisfy that setting",
  async (url, name, others) => {
    for (const [other, text] of Object.entries({ ...others, [name]: "true" })) vi.stubEnv(other, text)
    await expect(openLedger(url, { dynamodbCredentials: ANY_KEYS })).rejects.toThrow(
      `${name} is true and cannot be combined with the endpoint http://127.0.0.1:1: `,
    )
  },
)

test("an error names the DynamoDB endpoint that AWS's environment variables select", async () => {
  vi.stubEnv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
  const ledger = await openLedger("dynamodb://ledger?region=eu-central-1", { dynamodbCredentials: ANY_KEYS })
  await expect(ledger.head("control")).rejects.toThrow(
    "(eu-central-1, http://127.0.0.1:1/) cannot be reached",
  )
  await ledger.close()
})
