/**
 * True in `npm run test:full`, which runs everything, however long it takes. `npm test` skips what takes
 * minutes, and says so.
 */
export const IS_FULL = process.env["FULL"] === "1"
