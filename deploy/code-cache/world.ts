import { randomUUID } from "node:crypto"
import { cp, writeFile } from "node:fs/promises"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import dynalite from "dynalite"
import { systemClock } from "../../lib/app/system-clock.ts"
import { initLedger } from "../../lib/ledger/init.ts"
import { openLedger } from "../../lib/ledger/open.ts"
import { type Sandbox, startSandbox } from "../../lib/sandbox/sandbox.ts"
import { DEFAULT_ACCESS_KEY, DEFAULT_SUPERNODE } from "../../lib/sandbox/world/defaults.ts"
import { policyFiles } from "../policy-files.ts"
import { EXAMPLES, TOKEN } from "./events.ts"

export interface World {
  sandbox: Sandbox
  /** Settings of a function: all of its environment. */
  settings: Record<string, string>
  close(): Promise<void>
}

/**
 * Starts what a function needs on this machine: a sandbox with one busy supernode, a new ledger, and the policy of
 * `npm start` with its packaged form in `folder`. With `dynamodb`, the ledger is a table and the keys are in a secret, as on AWS.
 */
export async function startWorld(folder: string, ledger: "sqlite" | "dynamodb"): Promise<World> {
  const policy = join(folder, "policy.yaml")
  await cp(join(EXAMPLES, "first-run.yaml"), policy)
  const { packaged } = await policyFiles(policy)
  await writeFile(join(folder, packaged.name), packaged.text)
  const sandbox = await startSandbox({ supernodes: [{ ...DEFAULT_SUPERNODE, load: { load: 97 } }] })
  const tables = dynalite({ createTableMs: 0 })
  const secrets = createServer((_request, response) => response.end(SECRET))
  const [tablesUrl, secretsUrl] = await Promise.all([tables, secrets].map(listen))
  const urls = {
    sqlite: `sqlite:${join(folder, `${randomUUID()}.db`)}`,
    dynamodb: `dynamodb://ledger?region=local&endpoint=${tablesUrl}`,
  }
  const keys = {
    sqlite: { HUAWEICLOUD_SDK_AK: DEFAULT_ACCESS_KEY.ak, HUAWEICLOUD_SDK_SK: DEFAULT_ACCESS_KEY.sk },
    dynamodb: {
      SUPERNODE_SECRET_ARN: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:training-AbCdEf",
      AWS_REGION: "eu-central-1",
      AWS_ENDPOINT_URL_SECRETS_MANAGER: String(secretsUrl),
      AWS_ACCESS_KEY_ID: AWS_KEYS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: AWS_KEYS.secretAccessKey,
    },
  }
  forgetAws()
  await makeLedger(urls[ledger])
  const settings = {
    SUPERNODE_POLICY: policy,
    SUPERNODE_LEDGER: urls[ledger],
    SUPERNODE_MODE: "live",
    SUPERNODE_WEBHOOK_TOKEN: TOKEN,
    SUPERNODE_MODELARTS_ENDPOINT: sandbox.url,
    SUPERNODE_CES_ENDPOINT: sandbox.url,
    ...keys[ledger],
  }
  const close = async () => {
    await Promise.all([sandbox.close(), ...[tables, secrets].map(stop)])
  }
  return { sandbox, settings, close }
}

/** The table and the secret accept any keys. */
const AWS_KEYS = { accessKeyId: "training", secretAccessKey: "training" }

/** Secrets Manager's response to GetSecretValue. */
const SECRET = JSON.stringify({
  Name: "training",
  SecretString: JSON.stringify({
    HUAWEICLOUD_SDK_AK: DEFAULT_ACCESS_KEY.ak,
    HUAWEICLOUD_SDK_SK: DEFAULT_ACCESS_KEY.sk,
  }),
})

/** Removes a person's settings for AWS from this process: AWS_USE_FIPS_ENDPOINT does not fit a table on this machine. */
function forgetAws(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name]
}

async function makeLedger(url: string): Promise<void> {
  const ledger = await openLedger(url, { dynamodbCredentials: AWS_KEYS })
  await initLedger(
    { ledger, clock: systemClock, newId: randomUUID },
    { by: "packaging", why: "a training run", nothingInFlight: true },
  )
  await ledger.close()
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}
