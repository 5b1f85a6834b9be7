import * as z from "zod"
import { moneyOf } from "./money.ts"
import { text } from "./text-shape.ts"

// Currency codes of ISO 4217, and the decimals that an amount may have.

/** Common names that are not ISO 4217 codes, and the code that is meant. */
const CODE_OF_NAME: Readonly<Record<string, string>> = { RMB: "CNY", CNH: "CNY", YEN: "JPY", UKP: "GBP" }

/** Currencies without decimals (ISO 4217). Currencies with three decimals may use only two of them. */
const WITHOUT_DECIMALS: readonly string[] = [
  "BIF",
  "CLP",
  "DJF",
  "GNF",
  "ISK",
  "JPY",
  "KMF",
  "KRW",
  "PYG",
  "RWF",
  "UGX",
  "UYI",
  "VND",
  "VUV",
  "XAF",
  "XOF",
  "XPF",
]

const currency = text(/^[A-Z]{3}$/, "must be a currency code such as CNY").superRefine((code, ctx) => {
  const correct = Object.hasOwn(CODE_OF_NAME, code) ? CODE_OF_NAME[code] : undefined
  if (correct === undefined) return
  ctx.addIssue({ code: "custom", message: `must be ${correct}: ${code} is not an ISO 4217 currency code` })
})

/** Decimals are counted in the written form: arithmetic on binary fractions would reject 1234567890.12. */
const amount = z
  .number({ error: "must be a number" })
  .nonnegative({ error: "must not be negative" })
  .max(1e12, { error: "must be at most 1000000000000" })
  .refine((value) => decimalsOf(value) <= 2, { error: "must have at most two decimals" })

/** Number of decimals as written; infinite for a fraction with an exponent, such as 1e-7. */
function decimalsOf(value: number): number {
  const [, decimals] = /^\d+(?:\.(\d+))?$/.exec(String(value)) ?? []
  if (decimals !== undefined) return decimals.length
  return Number.isInteger(value) ? 0 : Number.POSITIVE_INFINITY
}

/** Keys of an amount of money, for mappings that have more keys than these. */
export const moneyShape = { amount, currency }

interface Written {
  amount: number
  currency: string
}

/** Check for a mapping with `moneyShape`: rejects decimals in a currency that has none. */
export function checkDecimals({ amount, currency }: Written, ctx: z.RefinementCtx): void {
  if (Number.isInteger(amount) || !WITHOUT_DECIMALS.includes(currency)) return
  const message = `must have no decimals: ${currency} has none`
  ctx.addIssue({ code: "custom", path: ["amount"], message })
}

/** `{ amount: 500000, currency: CNY }` -> hundredths. */
export const money = z.strictObject(moneyShape).superRefine(checkDecimals).transform(moneyOf)

/** True for a code in the runtime's copy of ISO 4217, which includes some past currencies. */
export function isListedCurrency(code: string): boolean {
  return Intl.supportedValuesOf("currency").includes(code)
}
