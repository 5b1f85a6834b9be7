import { createHash, createHmac } from "node:crypto"
import { SignatureV4 } from "@smithy/signature-v4"
import { expect, test } from "vitest"
import { signedHeaders } from "../../../lib/ledger/dynamodb/signature.ts"
import { REGION } from "./keys.ts"

const KEYS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" }
const NOW = Date.parse("2026-11-28T23:59:59.999Z")

/** Hash in the form that Amazon's signer requires. */
class Sha256 {
  readonly #hash
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    const key = typeof secret === "string" ? secret : secret && Buffer.from(secret as Uint8Array)
    this.#hash = key === undefined ? createHash("sha256") : createHmac("sha256", key)
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data)
  }
  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#hash.digest())
  }
  reset(): void {}
}

test.each([
  ["to AWS", "https://dynamodb.eu-central-1.amazonaws.com", {}, "{}"],
  ["with temporary keys", "https://dynamodb.eu-central-1.amazonaws.com", { sessionToken: "TOKEN/=+" }, "{}"],
  ["to another port with a text in Chinese", "http://127.0.0.1:8000", {}, '{"TableName":"账本"}'],
  ["to a URL with a path", "https://gemini.example.com:8443/a b/%C3%A4", {}, "{}"],
])("a DynamoDB request %s is signed as by Amazon's own signer", async (_, address, more, body) => {
  const url = new URL(address)
  const credentials = { ...KEYS, ...more }
  const target = "DynamoDB_20120810.Query"
  const ours = signedHeaders({ url, target, body, region: REGION, credentials, now: NOW })
  const signer = new SignatureV4({
    credentials,
    region: REGION,
    service: "dynamodb",
    sha256: Sha256,
    applyChecksum: false,
  })
  const { host, hostname, protocol, pathname: path } = url
  const headers = { "content-type": "application/x-amz-json-1.0", host, "x-amz-target": target }
  const request = { method: "POST", protocol, hostname, path, headers, body, query: {} }
  const theirs = await signer.sign(request, { signingDate: new Date(NOW) })
  expect(ours).toEqual(theirs.headers)
})
