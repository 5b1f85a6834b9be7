import { generate } from "selfsigned"

export interface TestCertificate {
  key: string
  cert: string
}

/** Makes a self-signed certificate. A client trusts it only if it gets it as `ca`. */
export async function certificateFor(
  host: string,
  days: { from: number; to: number } = { from: -1, to: 1 },
): Promise<TestCertificate> {
  const day = (offset: number) => new Date(Date.now() + offset * 86_400_000)
  const pems = await generate([{ name: "commonName", value: host }], {
    keyType: "ec",
    algorithm: "sha256",
    notBeforeDate: day(days.from),
    notAfterDate: day(days.to),
    extensions: [{ name: "subjectAltName", altNames: [{ type: 2, value: host }] }],
  })
  return { key: pems.private, cert: pems.cert }
}
