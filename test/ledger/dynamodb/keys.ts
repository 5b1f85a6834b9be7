import type { DynamoCredentials } from "../../../lib/ledger/open.ts"

/** Any keys will do for dynalite; a client without keys would go and look for some. */
export const ANY_KEYS: DynamoCredentials = { accessKeyId: "test", secretAccessKey: "test" }

export const REGION = "eu-central-1"
