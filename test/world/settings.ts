import { join } from "node:path"
import { DEFAULT_ACCESS_KEY } from "../../lib/sandbox/world/defaults.ts"

/** Settings for the policy file and the SQLite ledger in a folder. */
export function settingsOfFolder(folder: string) {
  return {
    SUPERNODE_POLICY: join(folder, "policy.yaml"),
    SUPERNODE_LEDGER: `sqlite:${join(folder, "ledger.db")}`,
  }
}

/** Settings for live mode with the cloud at this URL, which serves both ModelArts and Cloud Eye. */
export function settingsOfCloud(url: string, { ak, sk } = DEFAULT_ACCESS_KEY) {
  return {
    SUPERNODE_MODE: "live",
    SUPERNODE_MODELARTS_ENDPOINT: url,
    SUPERNODE_CES_ENDPOINT: url,
    HUAWEICLOUD_SDK_AK: ak,
    HUAWEICLOUD_SDK_SK: sk,
  }
}
