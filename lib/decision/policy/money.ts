/** An amount in hundredths of the currency's unit, so that sums are exact. */
export interface Money {
  minor: number
  currency: string
}

/** An amount as people and the result JSON write it: whole units, at most two decimals. */
export interface Amount {
  amount: number
  currency: string
}

const MINOR_PER_UNIT = 100

export function moneyOf({ amount, currency }: Amount): Money {
  return { minor: Math.round(amount * MINOR_PER_UNIT), currency }
}

export function amountOf({ minor, currency }: Money): Amount {
  return { amount: minor / MINOR_PER_UNIT, currency }
}

/** `120000 CNY`, for sentences. */
export function sayMoney({ minor, currency }: Money): string {
  return `${minor / MINOR_PER_UNIT} ${currency}`
}
