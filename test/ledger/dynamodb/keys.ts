import type { DynamoCredentials } from "../../../lib/ledger/open.ts"

/** Keys for dynalite, which accepts any. A client without keys would search for some. */
export const ANY_KEYS: DynamoCredentials = { accessKeyId: "test", secretAccessKey: "test" }

export const REGION = "eu-central-1"
