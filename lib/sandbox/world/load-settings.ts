import * as z from "zod"

const percent = z.number().min(0).max(100)

/**
 * Start of a value: an ISO 8601 instant, or milliseconds from the moment the load was set (negative: before).
 */
export const from = z.union([z.iso.datetime({ offset: true }), z.int()], {
  error: "must be an ISO 8601 time or whole milliseconds",
})

/** A function of the time (epoch milliseconds), in-process only; null is a moment without data. */
export type LoadFunction = (at: number) => number | null

const curveOf = (value: z.ZodNumber) =>
  z.union(
    [
      value,
      z.array(z.strictObject({ from: from.optional(), value: value.nullable() })).min(1),
      z.custom<LoadFunction>((given) => typeof given === "function"),
    ],
    { error: "must be a number in range or a list of { from?, value }" },
  )

/** Load of each server, in percent. At most one of `load` and `sharedLoad`. */
export const loadSettings = z
  .strictObject({
    /** The same for each server: 0 to 100. */
    load: curveOf(percent).optional(),
    /** One total that the RUNNING servers share evenly, so that scaling out helps: 380 over 4 servers is 95 each. */
    sharedLoad: curveOf(z.number().min(0)).optional(),
    /** Curves of single servers, by id, name or `hps_ecs_id`; the curve of a card by `SERVER/CARD`. */
    servers: z.record(z.string(), curveOf(percent)).default({}),
    /** Servers or cards that report nothing, by the same names. */
    silent: z.array(z.string()).default([]),
  })
  .refine((settings) => settings.load === undefined || settings.sharedLoad === undefined, {
    error: "must not have both load and sharedLoad",
  })

export type LoadSettings = z.input<typeof loadSettings>

export type LoadCurve = NonNullable<LoadSettings["load"]>

export type Load = z.output<typeof loadSettings> & { setAt: number }
