/** `npm run test:full`: everything, however long it takes. `npm test` leaves out what takes minutes and says so. */
export const IS_FULL = process.env["FULL"] === "1"
