export interface LivePlace {
  /** Of the cloud's stand-in. */
  url: string
  folder: string
  keys: { ak: string; sk: string }
}

/** Settings of an autoscaler that buys from that cloud, by the policy and with the SQLite ledger of that folder. */
export function liveSettings({ url, folder, keys }: LivePlace) {
  return {
    SUPERNODE_POLICY: `${folder}/policy.yaml`,
    SUPERNODE_LEDGER: `sqlite:${folder}/ledger.db`,
    SUPERNODE_MODE: "live",
    SUPERNODE_MODELARTS_ENDPOINT: url,
    SUPERNODE_CES_ENDPOINT: url,
    HUAWEICLOUD_SDK_AK: keys.ak,
    HUAWEICLOUD_SDK_SK: keys.sk,
  }
}
