import { expect, it } from "vitest"
import { isSecureAddress } from "../../../lib/decision/policy/secure-address.ts"

it.each([
  ["https://hooks.example.com/T0/B0/x", true],
  ["HTTPS://hooks.example.com/T0", true],
  ["http://localhost:8065/hooks/x", true],
  ["http://127.0.0.1/x", true],
  ["http://127.1/x", true],
  ["http://[::1]:80/x", true],
  ["http://hooks.example.com/x", false],
  ["http://localhost.example.com/x", false],
  ["http://127.0.0.1.example.com/x", false],
  ["http://127.0.0.1@example.com/x", false],
  ["http://10.0.0.1/x", false],
  ["http://0.0.0.0/x", false],
  ["ftp://localhost/x", false],
  ["hooks.example.com", false],
  ["", false],
])("a secret may be sent to %j: %s", (address, may) => {
  expect(isSecureAddress(address)).toBe(may)
})
