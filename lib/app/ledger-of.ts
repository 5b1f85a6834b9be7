import { type AuditedLedger, openLedger } from "../ledger/open.ts"
import { type CredentialSource, credentialSource } from "./credentials.ts"
import type { Settings } from "./settings.ts"

interface Wiring {
  now(): number
  /** Where the app has one already. */
  keys?: CredentialSource
}

/** The ledger that the settings name, with the keys that they hold. Throws LedgerError. */
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
