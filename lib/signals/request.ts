import * as z from "zod"
import { PLACEHOLDERS } from "../decision/explain/operator-command.ts"
import { cleanText } from "../decision/inputs/foreign-text.ts"
import { digest } from "../digest.ts"
import { onFirstUse } from "../on-first-use.ts"
import { one, parseShape, type Shape } from "./shape.ts"
import { SignalError } from "./signal-error.ts"
import { signalId } from "./signal-id.ts"

/** Text that a person wrote. It is cleaned, because the ledger, terminals and messages show it. */
const operatorText = (max: number) =>
  z
    .string()
    .max(max)
    .transform((text) => cleanText(text, max))
    .refine((text) => text !== "", { error: "must not be blank" })

/** Refuses the placeholder of a printed example: such a request was not meant to be sent. */
const notPlaceholder = (max: number, what: string) =>
  operatorText(max).refine((text) => !PLACEHOLDERS.some((one) => one === text.trim()), {
    error: `is still the placeholder of an example: write ${what}`,
  })

/**
 * Schema of a manual request. Unknown keys are refused, since a misspelt key would request something else.
 */
const requestShape = onFirstUse(() =>
  z.strictObject({
    supernode: operatorText(128),
    mode: z.enum(["dry-run", "live"], { error: 'must be "dry-run" or "live"' }).default("dry-run"),
    servers: z.int({ error: "must be a whole number of servers" }).min(1).max(48).optional(),
    requestedBy: notPlaceholder(256, "the name of the requester"),
    why: notPlaceholder(2_000, "the reason for this purchase"),
    planHash: z
      .string()
      .regex(/^sha256:[0-9a-f]{64}$/, { error: "must be the hash of a plan: sha256: and 64 hex digits" })
      .optional(),
    bypassCooldown: z.boolean().default(false),
    // Not cleaned, so that different ids stay different. `signalId` makes an id safe to show.
    id: z.string().max(2_000).regex(/\S/, { error: "must not be blank" }).optional(),
  }),
)

const KEYS = onFirstUse((): readonly string[] => Object.keys(requestShape().shape))
const OWN_KEYS = onFirstUse(() => KEYS().filter((key) => key !== "id" && key !== "mode"))

/** A person's request, by direct invocation or the command line. */
export const request: Shape = {
  name: 'manual request {"supernode","requestedBy","why",…}',
  door: "manual",
  looksLike: (event) => OWN_KEYS().some((key) => Object.hasOwn(event, key)),
  read(event, { now }) {
    const asked = parseShape(requestShape(), event, "")
    if (asked.mode === "live" && asked.planHash === undefined) {
      throw new SignalError(
        'planHash: is missing, but "live" buys only the plan that was shown. Send the same request with "mode": "dry-run" and put its plan.hash here',
      )
    }
    const { id, ...rest } = asked
    return one({
      kind: "request",
      // Without an id, the same request within one minute is a retry, not a second request.
      id: signalId("request", id ?? digest({ ...rest, minute: Math.floor(now / 60_000) })),
      at: now,
      supernode: asked.supernode,
      mode: asked.mode,
      servers: asked.servers ?? null,
      requestedBy: asked.requestedBy,
      why: asked.why,
      planHash: asked.planHash ?? null,
      bypassCooldown: asked.bypassCooldown,
    })
  },
}
