import type { SmnRequests } from "../huawei/smn.ts"
import type { Clock } from "../ports.ts"
import {
  type HttpRequest,
  receiveWebhook,
  rememberCertificates,
  type WebhookResponse,
} from "../signals/webhooks/webhooks.ts"
import { fleetOf } from "./fleet.ts"
import type { PolicySource } from "./policies.ts"
import type { Settings } from "./settings.ts"

interface Senders {
  settings: Settings
  policies: PolicySource
  smn: SmnRequests
  clock: Clock
}

/**
 * Creates a function that verifies a webhook's request and reads its signals. Allowed topics come from the
 * policy file and the settings, tokens from the settings. `smn` fetches certificates and confirms
 * subscriptions.
 */
export function webhookReceiver({ settings, policies, smn, clock }: Senders) {
  const fetchCertificate = rememberCertificates(async (url) => {
    const fetched = await smn.fetchPem(url)
    return fetched.ok ? { ok: true, pem: fetched.value } : fetched
  }, clock.now)
  return (request: HttpRequest): Promise<WebhookResponse> => {
    const file = policies.current()
    const { smnTopics, snsTopics } = file
    return receiveWebhook(request, {
      now: clock.now(),
      webhookTokens: settings.webhookTokens,
      concerns: fleetOf(file).router.concerns,
      smnTopics: [...smnTopics, ...settings.smnTopics],
      snsTopics: [...snsTopics, ...settings.snsTopics],
      fetchCertificate,
      confirmSubscription: smn.confirmSubscription,
    })
  }
}
