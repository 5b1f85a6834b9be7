import { type AuditedLedger, openLedger } from "../ledger/open.ts"
import { type CredentialSource, credentialSource } from "./credentials.ts"
import type { Settings } from "./settings.ts"

interface Wiring {
  now(): number
  /** Defaults to a new source that is made from the settings. */
  keys?: CredentialSource
}

/** Opens the ledger that the settings name, with the keys from the settings. Throws LedgerError. */
export function openLedgerOf(settings: Settings, { now, keys }: Wiring): Promise<AuditedLedger> {
  const { ledgerUrl, dynamodbCredentials, proxy } = settings
  const source = keys ?? credentialSource(settings, { now })
  return openLedger(ledgerUrl, {
    now,
    proxy,
    ...(dynamodbCredentials ? { dynamodbCredentials } : {}),
    postgres: { password: source.postgresPassword },
  })
}
