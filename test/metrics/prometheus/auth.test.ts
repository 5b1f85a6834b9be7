import { describe, expect, it } from "vitest"
import { loginFor, parsePrometheusAuth } from "../../../lib/metrics/prometheus/auth.ts"
import { certificateFor } from "../../huawei/certificates.ts"

const SECRET = "hush-hush-hush"

function problemsOf(written: unknown): string[] {
  const text = typeof written === "string" ? written : JSON.stringify(written)
  const { problems } = parsePrometheusAuth(text)
  expect(problems.join("\n")).not.toContain("hush")
  return problems
}

function headerFor(written: Record<string, unknown>, url: string): string | null {
  const { logins, problems } = parsePrometheusAuth(JSON.stringify(written))
  expect(problems).toEqual([])
  return loginFor(logins, new URL(url))?.authorization ?? null
}

describe("the logins of SUPERNODE_PROMETHEUS_AUTH", () => {
  it("SUPERNODE_PROMETHEUS_AUTH gives a bearer token, or user and password in UTF-8", () => {
    expect(headerFor({ "https://p.example.com": { bearer: SECRET } }, "https://p.example.com/api/v1/x")).toBe(
      `Bearer ${SECRET}`,
    )
    const basic = { user: "aom_access_code", password: "pä:ss" }
    expect(headerFor({ "https://p.example.com": basic }, "https://p.example.com/")).toBe(
      `Basic ${Buffer.from("aom_access_code:pä:ss").toString("base64")}`,
    )
  })

  it("SUPERNODE_PROMETHEUS_AUTH gives certificates without a login", async () => {
    const { cert } = await certificateFor("localhost")
    for (const ca of [cert, "/etc/ssl/own-ca.pem"]) {
      const { logins, problems } = parsePrometheusAuth(JSON.stringify({ "https://p.example.com": { ca } }))
      expect(problems).toEqual([])
      expect(logins).toEqual([{ prefix: "https://p.example.com", authorization: null, secrets: [], ca }])
    }
  })

  it.each([
    ["the origin", "https://p.example.com", "https://p.example.com/any/api/v1/query_range", true],
    ["the origin with a slash", "https://p.example.com/", "https://p.example.com/api/v1/query_range", true],
    ["the default port written out", "https://p.example.com:443", "https://P.example.com/api/v1/x", true],
    ["whole path segments", "https://p.example.com/a/b", "https://p.example.com/a/b/api/v1/x", true],
    ["never half a segment", "https://p.example.com/a/b", "https://p.example.com/a/bc/api/v1/x", false],
    ["never a shorter path", "https://p.example.com/a/b", "https://p.example.com/a/api/v1/x", false],
    [
      "never another host that begins alike",
      "https://p.example.com",
      "https://p.example.com.evil.org/",
      false,
    ],
    [
      "never another host after a user name",
      "https://p.example.com",
      "https://p.example.com@evil.org/",
      false,
    ],
    ["never another port", "https://p.example.com", "https://p.example.com:8443/api/v1/x", false],
    ["never the same host over plain http", "https://p.example.com", "http://p.example.com/api/v1/x", false],
    [
      "never a path that leaves the prefix by ..",
      "https://p.example.com/a/b",
      "https://p.example.com/a/b/../c/x",
      false,
    ],
  ])(
    "SUPERNODE_PROMETHEUS_AUTH gives its secret only to URLs under its prefix: %s",
    (_, prefix, url, isShown) => {
      expect(headerFor({ [prefix]: { bearer: SECRET } }, url)).toBe(isShown ? `Bearer ${SECRET}` : null)
    },
  )

  it("SUPERNODE_PROMETHEUS_AUTH gives the login of the longest matching prefix, whatever the order of prefixes", () => {
    const entries = [
      ["https://p.example.com", { bearer: "short" }],
      ["https://p.example.com/team/a", { bearer: "longest" }],
      ["https://p.example.com/team", { bearer: "middle" }],
    ] as const
    for (const order of [entries, entries.toReversed()]) {
      const written = Object.fromEntries(order)
      expect(headerFor(written, "https://p.example.com/team/a/api/v1/x")).toBe("Bearer longest")
      expect(headerFor(written, "https://p.example.com/team/b/api/v1/x")).toBe("Bearer middle")
      expect(headerFor(written, "https://p.example.com/other")).toBe("Bearer short")
    }
  })
})

describe("All problems of SUPERNODE_PROMETHEUS_AUTH are reported together, without its content", () => {
  const P = "https://p.example.com"
  const SHAPE = 'must be { "bearer": "…" } or { "user": "…", "password": "…" }'
  it.each<[string, unknown, string[]]>([
    [
      "not JSON",
      `{ "https://p": { "bearer": "hush`,
      [expect.stringMatching(/^must be a JSON object such as/)],
    ],
    ["a list", ["hush"], [expect.stringMatching(/^must be a JSON object such as/)]],
    ["a string instead of a login", { [P]: "hush" }, [`${P}: ${SHAPE}`]],
    [
      "a key that is not a URL, perhaps the secret itself",
      { hush: { bearer: SECRET } },
      ["entry 1: must be an http or https URL without user, query or fragment"],
    ],
    [
      "a URL with a password",
      { "https://me:hush@p.example.com": { bearer: SECRET } },
      ["entry 1: must be an http or https URL without user, query or fragment"],
    ],
    [
      "a secret over plain http",
      { "http://p.example.com:9090": { bearer: SECRET } },
      ["http://p.example.com:9090: must be https: plain http is allowed only to this machine itself"],
    ],
    [
      "an unknown key",
      { [P]: { beerer: SECRET, bearer: SECRET } },
      [`${P}: has an unknown key; the keys are bearer, user, password, ca; did you mean bearer?`],
    ],
    [
      "two logins in one",
      { [P]: { bearer: SECRET, user: "u", password: SECRET } },
      [`${P}: must have bearer, or user and password, not both`],
    ],
    ["an empty login", { [P]: {} }, [`${P}: must have bearer, or user and password`]],
    ["a user without password", { [P]: { user: "u" } }, [`${P}: password must be text`]],
    [
      "a user with a colon",
      { [P]: { user: "u:v", password: SECRET } },
      [`${P}: user must be text without a colon`],
    ],
    [
      "a token that no header can carry",
      { [P]: { bearer: `${SECRET}\n` } },
      [`${P}: bearer must be printable ASCII without spaces`],
    ],
    [
      "a ca that is not a certificate",
      { [P]: { bearer: SECRET, ca: "-----BEGIN RSA-----hush" } },
      [`${P}: ca is not a PEM certificate`],
    ],
    [
      "an empty ca",
      { [P]: { ca: " " } },
      [`${P}: ca must be certificates as PEM, or the path of a file with them`],
    ],
    [
      "the same URL twice",
      { [P]: { bearer: SECRET }, [`${P}:443/`]: { bearer: SECRET } },
      [`${P}: is listed twice`],
    ],
    [
      "several problems together",
      { hush: { bearer: SECRET }, [P]: { user: SECRET } },
      [
        "entry 1: must be an http or https URL without user, query or fragment",
        `${P}: password must be text`,
      ],
    ],
  ])("SUPERNODE_PROMETHEUS_AUTH is refused without repeating its content: %s", (_, written, problems) => {
    expect(problemsOf(written)).toEqual(problems)
  })

  it("SUPERNODE_PROMETHEUS_AUTH allows plain http to this machine, since no other machine can read it", () => {
    expect(
      problemsOf({ "http://127.0.0.1:9090": { bearer: SECRET }, "http://[::1]:9090/x": { bearer: SECRET } }),
    ).toEqual([])
  })
})
