import * as z from "zod"
import { counted, isRecord } from "./amounts.ts"
import { MAX_SERVERS, PERIOD_HOURS, type PricePeriod } from "./choices.ts"
import { checkDecimals, moneyShape } from "./currency.ts"
import { moneyOf } from "./money.ts"
import { text } from "./text-shape.ts"
import { countPer, positiveDuration, whenRecord, whole } from "./units.ts"

// `ladder`, `order` and `limits` of the policy file: the possible orders, and their limits. Bounds are those
// of the API page, so that an invalid order fails when the file is read, not when it is sent.

/** API page, `image_id`: 36 characters in UUID format. */
const imageId = text(
  /^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/,
  "must be an image's UUID (36 characters)",
)

/** API page, `flavor`: 1 to 128 characters. Its text forbids hyphens; they are allowed, as in its example. */
const flavor = text(
  /^[A-Za-z0-9._-]{1,128}$/,
  "must be 1 to 128 letters, digits, periods, hyphens or underscores",
)

const VOLUME_TYPES = ["ESSD", "GPSSD", "SAS", "SATA", "SSD"] as const
const volumeType = z.enum(VOLUME_TYPES)

/** API page, EvsVolume. */
const rootVolume = z.strictObject({ size: whole(100, 1024, "GB").optional(), type: volumeType.optional() })

/** API page, ServerDataVolume. */
const dataVolume = z.strictObject({
  size: whole(100, 32_768, "GB"),
  type: volumeType,
  count: whole(1, 8, "disks"),
})

/**
 * Digest of the raw text of `userdata` or `userdata_file`. The text itself is never in the policy; see
 * `LoadedPolicy.userdata`.
 */
const userdataDigest = z.strictObject({
  sha256: text(/^sha256:[0-9a-f]{64}$/, "must be a SHA-256"),
  bytes: z.int(),
})

const orderShape = {
  image_id: imageId,
  key_pair_name: text(
    /^[A-Za-z0-9_.-]{1,64}$/,
    "must be 1 to 64 letters, digits, hyphens, underscores or periods",
  ).optional(),
  root_volume: rootVolume.optional(),
  data_volume: dataVolume.optional(),
}

/** Content of the request besides the flavor, as decisions and plans see it. */
export const order = z.strictObject({ ...orderShape, userdata: userdataDigest.optional() })

const filled = z.string({ error: "must be text" }).min(1, { error: "must not be empty" })

/** `order` as written in the policy file. */
export const writtenOrder = z
  .strictObject({ ...orderShape, userdata: filled.optional(), userdata_file: filled.optional() })
  .refine((o) => o.userdata === undefined || o.userdata_file === undefined, {
    ...whenRecord,
    path: ["userdata_file"],
    error: "must not be used together with userdata: use one of the two",
  })

const price = z
  .strictObject({
    ...moneyShape,
    per: z.enum(["hour", "day", "week", "month", "year"]),
    commitment: text(
      /^[1-9]\d{0,3} (hour|day|week|month|year)s?$/,
      'must be a commitment such as "1 month" or "3 years"',
    ).optional(),
  })
  .superRefine(checkDecimals)
  .transform(({ amount, currency, per, commitment }) => {
    const [count = "1", unit = per] = (commitment ?? `1 ${per}`).split(" ")
    const hours = Number(count) * PERIOD_HOURS[unit.replace(/s$/, "") as PricePeriod]
    // Rounded up to whole periods of the price: the estimated cost may be too high, but never too low.
    const periods = Math.max(1, Math.ceil(hours / PERIOD_HOURS[per]))
    return { ...moneyOf({ amount, currency }), per, periods }
  })
  .refine(({ minor, periods }) => Number.isSafeInteger(minor * periods), {
    error: "must be small enough that the price of the whole commitment can be calculated exactly",
  })

const rung = z.strictObject({
  flavor,
  servers: whole(1, MAX_SERVERS, "servers"),
  price: price.optional().transform((p) => p ?? null),
})

/** `ladder`: rungs in ascending order of servers. */
export const ladder = z
  .array(rung, { error: "must be a list of at least one rung, smallest first" })
  .min(1, { error: "must have at least one rung" })
  .superRefine(
    (rungs: readonly unknown[], ctx) => {
      rungs.forEach((r, i) => {
        const before = rungs[i - 1]
        if (!isRecord(r)) return
        if (isRecord(before) && Number(r["servers"]) <= Number(before["servers"])) {
          const message = `must be larger: the previous rung has ${counted(Number(before["servers"]), "server")}`
          ctx.addIssue({ code: "custom", path: [i, "servers"], message })
        }
        const first = rungs.findIndex((other) => isRecord(other) && other["flavor"] === r["flavor"])
        if (typeof r["flavor"] === "string" && first < i) {
          const message = `must be on one rung only: ${r["flavor"]} is already used above`
          ctx.addIssue({ code: "custom", path: [i, "flavor"], message })
        }
      })
    },
    { when: ({ value }) => Array.isArray(value) },
  )

/** A cap on money over a rolling window, or over a calendar month in the policy's zone. */
export const budget = z
  .strictObject({
    ...moneyShape,
    per: z.union([z.literal("month"), positiveDuration], {
      error: 'must be a duration such as "30d", or "month"',
    }),
  })
  .superRefine(checkDecimals)
  .transform(({ per, ...cap }) => ({ ...moneyOf(cap), per }))

export const limits = z.strictObject({
  actions: countPer,
  servers: whole(1, MAX_SERVERS, "servers"),
  budget: budget.optional().transform((b) => b ?? null),
})
