import type { AccessKey } from "../api/signature.ts"
import type { SandboxSupernode } from "./options.ts"

/** Default access key. It is valid in sandboxes only. */
export const DEFAULT_ACCESS_KEY: AccessKey = { ak: "SANDBOX-ACCESS-KEY", sk: "sandbox-secret-key" }

/** Default supernode: the one of the policy file in the documentation, idle, with two servers. */
export const DEFAULT_SUPERNODE: SandboxSupernode = {
  id: "b4beacb6-4380-448c-a218-daa82cf03f5d",
  name: "train-a",
  region: "cn-southwest-2",
  projectId: "0123456789abcdef0123456789abcdef",
  servers: 2,
  offers: [
    { flavor: "kat3ne-8.48xlarge.8.800t.matrix", servers: 1 },
    { flavor: "kat3ne-16-400t.96xlarge.8.matrix", servers: 2 },
    { flavor: "kat3ne-32-800t.192xlarge.8.matrix", servers: 4 },
  ],
  instanceIds: ["ed5e8d39-1c3b-4a7e-9a5f-0a4b7e1f2c3d"],
}
