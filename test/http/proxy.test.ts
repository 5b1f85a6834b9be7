import { expect, it } from "vitest"
import { proxyFor, proxyProblem, proxySecrets } from "../../lib/http/proxy.ts"

const ADDRESS = "http://ops:p%40ss-word@proxy.example.com:3128"

it.each<[string, string, string]>([
  ["a host that NO_PROXY does not name", "https://modelarts.example.com", ""],
  ["a host that merely ends like a name in NO_PROXY", "https://notexample.com", "example.com"],
  ["another port than the one in NO_PROXY", "https://a.example.com:8443", "example.com:443"],
  ["an address outside the block in NO_PROXY", "https://11.0.0.1", "10.0.0.0/8"],
  ["an address whose block in NO_PROXY has too many bits", "https://10.0.0.1", "10.0.0.0/99"],
])("HTTPS_PROXY is used for %s", (_title, url, noProxy) => {
  expect(proxyFor(new URL(url), { address: ADDRESS, noProxy })?.host).toBe("proxy.example.com:3128")
})

it.each<[string, string, string]>([
  ["localhost", "https://localhost:1", ""],
  ["127.0.0.0/8", "https://127.9.9.9:1", ""],
  ["[::1]", "https://[::1]:1", ""],
  ["plain http, which only reaches a Prometheus or this machine", "http://prometheus.example.com", ""],
  ["everything if NO_PROXY is *", "https://a.b", "*"],
  ["a domain in NO_PROXY", "https://a.Example.com", "other.test, example.COM"],
  ["a domain with a dot in NO_PROXY", "https://a.example.com", ".example.com"],
  ["a domain with a star in NO_PROXY", "https://a.example.com", "*.example.com"],
  ["a name with its port in NO_PROXY", "https://a.example.com", "a.example.com:443"],
  ["an address in NO_PROXY", "https://10.1.2.3", "10.1.2.3"],
  ["an IPv6 address in NO_PROXY", "https://[fd00::1]", "fd00::1"],
  ["an IPv6 address in another form in NO_PROXY", "https://[fd00::1]", "FD00:0:0:0:0:0:0:1"],
  ["an IPv6 address with its port in NO_PROXY", "https://[fd00::1]", "[fd00:0::1]:443"],
  ["a full name that ends with a dot in NO_PROXY", "https://a.example.com", "a.example.com."],
  ["an address in a block in NO_PROXY", "https://10.1.2.3", "10.0.0.0/8"],
  ["an address in an IPv6 block in NO_PROXY", "https://[fd00::9]", "fd00::/8"],
])("HTTPS_PROXY is not used for %s", (_title, url, noProxy) => {
  expect(proxyFor(new URL(url), { address: ADDRESS, noProxy })).toBeNull()
})

it.each([
  "socks5://ops:p%40ss-word@proxy:1080",
  "proxy:3128",
  "ops:p%40ss-word@proxy",
  `${ADDRESS}/x?y=p%40ss-word`,
])("an HTTPS_PROXY that cannot be used is refused, and the error leaves out its password: %s", (address) => {
  expect(proxyProblem(address)).toMatch(/^must /)
  expect(proxyProblem(address)).not.toContain("ss-word")
})

it("every form of a proxy's login is listed as a secret, so that no form is ever recorded", () => {
  expect(proxySecrets(new URL(ADDRESS))).toEqual([
    "p@ss-word",
    "p%40ss-word",
    Buffer.from("ops:p@ss-word").toString("base64"),
    "ops:p%40ss-word",
  ])
  expect(proxySecrets(new URL("http://proxy.example.com:3128"))).toEqual([])
})
