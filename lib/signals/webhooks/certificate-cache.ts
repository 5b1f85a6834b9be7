/** A certificate's PEM text, or the reason why it could not be fetched. */
export type FetchedCertificate = { ok: true; pem: string } | { ok: false; why: string }
export type FetchCertificate = (url: string) => Promise<FetchedCertificate>

const KEEP_MS = 24 * 3_600_000
/**
 * Maximum number of cached certificates. A sender signs with one per region. The limit keeps made-up URLs
 * from filling the memory.
 */
const MAX_KEPT = 16

/** Caches the newest 16 fetched certificates for a day. Failures are never cached. */
export function rememberCertificates(
  fetchCertificate: FetchCertificate,
  now: () => number,
): FetchCertificate {
  const kept = new Map<string, { pem: string; at: number }>()
  const underWay = new Map<string, Promise<FetchedCertificate>>()

  const fetchAndKeep = async (url: string): Promise<FetchedCertificate> => {
    const fetched = await fetchCertificate(url)
    kept.delete(url)
    if (fetched.ok) kept.set(url, { pem: fetched.pem, at: now() })
    const [oldest] = kept.keys()
    if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest)
    return fetched
  }

  return async (url) => {
    const known = kept.get(url)
    if (known && now() - known.at < KEEP_MS) return { ok: true, pem: known.pem }
    const asked = underWay.get(url) ?? fetchAndKeep(url).finally(() => underWay.delete(url))
    underWay.set(url, asked)
    return asked
  }
}
