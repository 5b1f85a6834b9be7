import * as z from "zod"
import { operatorCommand } from "../decision/explain/operator-command.ts"
import { isRecord } from "../decision/policy/amounts.ts"
import { approversSchema } from "../decision/policy/approvers.ts"
import { type NotifyRecipient, notifyRecipient } from "../decision/policy/notify.ts"
import { fleetSchema, writtenSupernodeSchema } from "../decision/policy/policy.ts"
import { smnTopic, snsTopic } from "../decision/policy/topics.ts"
import { whenRecord } from "../decision/policy/units.ts"
import { silenceSchema } from "../decision/policy/warnings.ts"
import { onFirstUse } from "../on-first-use.ts"
import { timezoneProblem } from "./time-zones.ts"

/** Refuses offsets such as +08:00: they are not zone names and have no daylight saving time. */
const timezone = z.string().superRefine((name, ctx) => {
  const message = timezoneProblem(name)
  if (message !== null) ctx.addIssue({ code: "custom", message })
})

const version = z.literal(1, { error: "must be 1, the only version" })
/** Maximum number of supernodes in one file. */
export const MAX_SUPERNODES = 1000

const supernodesOf = <T extends z.ZodType>(item: T) =>
  z
    .array(item, { error: "must be a list of supernodes" })
    .min(1, { error: "must have at least one supernode" })
    .max(MAX_SUPERNODES, { error: `must have at most ${MAX_SUPERNODES} supernodes` })

const LEDGER_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Keys of the file except `defaults` and `supernodes`. `notify` is a parameter because it has two forms. */
const shapeWith = <N extends z.ZodType>(notify: N) => ({
  version,
  timezone: timezone.default("UTC"),
  ledger_id: z
    .string()
    .regex(LEDGER_ID, {
      error: `must be the id of a ledger, a UUID, as \`${operatorCommand.ledgerShow}\` prints it`,
    })
    .optional(),
  smn_topics: z.array(z.lazy(smnTopic)).default([]),
  sns_topics: z.array(z.lazy(snsTopic)).default([]),
  notify,
  approvers: approversSchema.default([]),
  fleet: fleetSchema.optional(),
  silence: silenceSchema,
  include: z
    .array(z.string().min(1, { error: "must not be empty" }))
    .min(1, { error: "must have at least one pattern such as [ more/*.yaml ]" })
    .optional(),
})

const MAX_RECIPIENTS = 20
const recipients = () =>
  z
    .array(notifyRecipient())
    .min(1, { error: "must have at least one recipient" })
    .max(MAX_RECIPIENTS, { error: `must have at most ${MAX_RECIPIENTS} recipients` })

/** Schema of the whole file, for its JSON Schema. `policyJsonSchema` makes keys of `defaults` optional. */
export const wholeFileSchema = () =>
  z
    .strictObject({
      ...shapeWith(z.union([recipients(), notifyRecipient()]).optional()),
      defaults: writtenSupernodeSchema.optional(),
      supernodes: supernodesOf(writtenSupernodeSchema).optional(),
    })
    .meta({ anyOf: [{ required: ["supernodes"] }, { required: ["include"] }] })

const unseenSupernodes = supernodesOf(z.unknown())
const mapping = z.custom<Record<string, unknown>>(isRecord, { error: "must be a mapping" })

const unseen = { defaults: mapping.optional(), supernodes: unseenSupernodes.optional() }
const fileWith = <N extends z.ZodType<NotifyRecipient[] | undefined>>(notify: N) =>
  z.strictObject({ ...shapeWith(notify), ...unseen }).superRefine(needsSupernodes, whenRecord)

/** Schema of the file without its supernodes. Each is checked by itself, with `defaults` merged in. */
export function fileSchemaFor(file: unknown) {
  // `notify` is a list or a single recipient. With one schema per form, problems have the paths of the file.
  const notify = isRecord(file) ? file["notify"] : undefined
  if (notify === undefined) return silentFile()
  return Array.isArray(notify) ? listed() : single()
}

const silentFile = onFirstUse(() => fileWith(z.undefined().optional()))
const single = onFirstUse(() =>
  fileWith(
    notifyRecipient()
      .transform((only) => [only])
      .optional(),
  ),
)
const listed = onFirstUse(() => fileWith(recipients().optional()))

function needsSupernodes(
  { supernodes, include }: { supernodes?: unknown; include?: unknown },
  ctx: z.core.$RefinementCtx,
): void {
  if (supernodes !== undefined || include !== undefined) return
  ctx.addIssue({
    code: "custom",
    path: ["supernodes"],
    message: "must list at least one supernode, here or in a file under include",
  })
}

/** Schema of an included file: only supernodes. Keys that apply to all supernodes stay in the main file. */
export const includedFileSchema = onFirstUse(() =>
  z.strictObject({
    version: version.optional(),
    supernodes: unseenSupernodes,
  }),
)
