import { isIP } from "node:net"
import type { Settings } from "../app/settings.ts"
import { parseLedgerUrl } from "../ledger/ledger-url.ts"
import type { PolicyFile } from "../policy-file/load.ts"
import { type Opener, pathsOpenedBy } from "../signals/webhooks/webhooks.ts"

/**
 * Problems for a process that must run for weeks, found before it listens; each has the form `NAME: problem`.
 */
export function problemsOnHost({ credentials, secretArn, mode, ledgerUrl }: Settings): string[] {
  const problems: string[] = []
  if (credentials === null && secretArn === null) {
    problems.push(
      "HUAWEICLOUD_SDK_AK: must be set together with HUAWEICLOUD_SDK_SK, or SUPERNODE_SECRET_ARN must be set. Without keys no run can read anything",
    )
  }
  if (mode === "live" && parseLedgerUrl(ledgerUrl).kind === "memory") {
    problems.push(
      "SUPERNODE_LEDGER: must not be memory: in live mode, because after a restart the process would not know what it bought",
    )
  }
  return problems
}

/** Warnings at the start: allowed settings with consequences. */
export function warningsOnHost(host: string, settings: Settings, policies: PolicyFile): string[] {
  const { webhookTokens, metricsTokens, smnTopics, snsTopics } = settings
  const warnings: string[] = []
  if (!isLoopback(host)) {
    warnings.push(
      `${host} accepts connections from other machines without TLS, so bearer tokens are sent unencrypted. Put a proxy with TLS in front of it`,
    )
    if (metricsTokens.length === 0)
      warnings.push("/metrics is available only on this machine: SUPERNODE_METRICS_TOKEN is not set")
  }
  if (webhookTokens.length === 0) warnings.push(`${closed("token")}: SUPERNODE_WEBHOOK_TOKEN is not set`)
  if (policies.smnTopics.length + smnTopics.length === 0)
    warnings.push(
      `${closed("smn-topics")}: neither smn_topics in the policy nor SUPERNODE_SMN_TOPICS names a topic`,
    )
  if (policies.snsTopics.length + snsTopics.length === 0)
    warnings.push(
      `${closed("sns-topics")}: neither sns_topics in the policy nor SUPERNODE_SNS_TOPICS names a topic`,
    )
  return warnings
}

/** Text such as `/alertmanager and /grafana are closed`. */
function closed(opener: Opener): string {
  const paths = pathsOpenedBy(opener)
  return `${paths.join(" and ")} ${paths.length === 1 ? "is" : "are"} closed`
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."))
}
