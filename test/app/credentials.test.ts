import { describe, expect, it } from "vitest"
import { credentialSource, malformedKeys } from "../../lib/app/credentials.ts"
import { SettingsError } from "../../lib/app/settings.ts"

const ENVIRONMENT = { ak: "ENV-AK", sk: "ENV-SK", securityToken: null }
const INVOCATION = { ak: "TEMP-AK", sk: "TEMP-SK", securityToken: "TEMP-TOKEN" }
const ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:keys"

/** A secret whose reads are counted, and a clock that the test sets. */
function secretOf(text: string) {
  const world = { now: 0, reads: 0, text }
  const source = credentialSource(
    { credentials: null, secretArn: ARN, prometheusAuth: null, postgresPassword: null, proxy: null },
    {
      now: () => world.now,
      readSecret: async () => {
        world.reads += 1
        return world.text
      },
    },
  )
  return { world, source }
}

const KEYS = JSON.stringify({ HUAWEICLOUD_SDK_AK: "S-AK", HUAWEICLOUD_SDK_SK: "S-SK" })

describe("the keys to sign with", () => {
  it("during an invocation, requests are signed with the invocation's own keys instead of the environment's", async () => {
    const source = credentialSource(
      {
        credentials: ENVIRONMENT,
        secretArn: null,
        prometheusAuth: null,
        postgresPassword: null,
        proxy: null,
      },
      { now: () => 0 },
    )
    expect(await source.during(INVOCATION, () => source.provide())).toEqual(INVOCATION)
    expect(await source.provide()).toEqual(ENVIRONMENT)
  })

  it("no request is signed with the keys of another invocation that runs at the same time", async () => {
    const source = credentialSource(
      {
        credentials: ENVIRONMENT,
        secretArn: null,
        prometheusAuth: null,
        postgresPassword: null,
        proxy: null,
      },
      { now: () => 0 },
    )
    const other = { ...INVOCATION, ak: "OTHER-AK" }
    const late = async () => {
      await Promise.resolve()
      return (await source.provide()).ak
    }
    expect(
      await Promise.all([
        source.during(INVOCATION, late),
        source.during(other, late),
        source.during(null, late),
      ]),
    ).toEqual(["TEMP-AK", "OTHER-AK", "ENV-AK"])
  })

  it("the cloud's keys come from the secret if the environment has none; the secret is read again after five minutes", async () => {
    const { world, source } = secretOf(KEYS)
    expect(await source.provide()).toEqual({ ak: "S-AK", sk: "S-SK", securityToken: null })
    world.now += 5 * 60_000 - 1
    await source.provide()
    expect(world.reads).toBe(1)
    world.now += 1
    world.text = JSON.stringify({ ...JSON.parse(KEYS), HUAWEICLOUD_SDK_SECURITY_TOKEN: "S-TOKEN" })
    expect(await source.provide()).toEqual({ ak: "S-AK", sk: "S-SK", securityToken: "S-TOKEN" })
  })

  it("the error about missing keys names all three places where they may be set", async () => {
    const source = credentialSource(
      { credentials: null, secretArn: null, prometheusAuth: null, postgresPassword: null, proxy: null },
      { now: () => 0 },
    )
    await expect(source.provide()).rejects.toThrow(SettingsError)
    await expect(source.provide()).rejects.toThrow(/HUAWEICLOUD_SDK_AK.*SUPERNODE_SECRET_ARN.*agency/)
  })

  it.each([
    ['"hush"', "HUAWEICLOUD_SDK_AK contains quotes as part of its value; remove them"],
    ["'hush'", "HUAWEICLOUD_SDK_AK contains quotes as part of its value; remove them"],
    ["$hush", "HUAWEICLOUD_SDK_AK contains a $, as if it named a variable: write the value itself"],
  ])(
    "a key in a secret that is not usable as written is reported without its value: %s",
    async (ak, problem) => {
      const { source } = secretOf(JSON.stringify({ HUAWEICLOUD_SDK_AK: ak, HUAWEICLOUD_SDK_SK: "S-SK" }))
      expect(malformedKeys(await source.provide())).toEqual([problem])
    },
  )

  it.each([
    ["text that is not JSON", "hush"],
    ["JSON of another kind", '["hush"]'],
    ["only one of the two keys", '{ "HUAWEICLOUD_SDK_AK": "hush" }'],
    ["an empty key", '{ "HUAWEICLOUD_SDK_AK": "hush", "HUAWEICLOUD_SDK_SK": "" }'],
  ])(
    "a secret that holds %s is an error that says what it must hold, and never what it holds",
    async (_, text) => {
      const failed = secretOf(text).source.provide()
      await expect(failed).rejects.toThrow(/must be JSON with HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK/)
      await expect(failed).rejects.not.toThrow(/hush/)
    },
  )
})

describe("the logins for Prometheus", () => {
  const logins = { "https://p.example.com": { bearer: "hush" } }
  const bearer = [
    { prefix: "https://p.example.com", authorization: "Bearer hush", secrets: ["hush"], ca: null },
  ]

  it("the Prometheus logins come from the setting, without reading the secret", async () => {
    const readSecret = () => Promise.reject(new Error("must not be read"))
    const settings = {
      credentials: null,
      secretArn: ARN,
      prometheusAuth: bearer,
      postgresPassword: null,
      proxy: null,
    }
    expect(await credentialSource(settings, { now: () => 0, readSecret }).prometheusAuth()).toEqual(bearer)
  })

  it("the Prometheus logins come from the secret if the setting is unset, and the secret is read once", async () => {
    for (const written of [logins, JSON.stringify(logins)]) {
      const text = JSON.stringify({ ...JSON.parse(KEYS), SUPERNODE_PROMETHEUS_AUTH: written })
      const { world, source } = secretOf(text)
      await source.provide()
      expect(await source.prometheusAuth()).toEqual(bearer)
      expect(world.reads).toBe(1)
    }
  })

  it("there are no Prometheus logins if neither the setting nor the secret has any", async () => {
    expect(await secretOf(KEYS).source.prometheusAuth()).toEqual([])
    const none = {
      credentials: null,
      secretArn: null,
      prometheusAuth: null,
      postgresPassword: null,
      proxy: null,
    }
    expect(await credentialSource(none, { now: () => 0 }).prometheusAuth()).toEqual([])
  })

  it("an invalid Prometheus login is an error that names the secret and the problem, and never its contents", async () => {
    const { source } = secretOf(JSON.stringify({ SUPERNODE_PROMETHEUS_AUTH: { hush: { bearer: "hush" } } }))
    await expect(source.prometheusAuth()).rejects.toThrow(
      /SUPERNODE_PROMETHEUS_AUTH in the secret arn:\S+: entry 1: must be an http or https URL/,
    )
    await expect(source.prometheusAuth()).rejects.not.toThrow(/hush/)
  })
})
