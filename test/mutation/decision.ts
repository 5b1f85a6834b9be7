/// <reference types="vite/client" />

// The tests of the pure decision alone, which load in half the time. The whole suite may kill the mutants
// that they leave.

import.meta.glob(
  [
    "../decision/**/*.test.ts",
    "!../decision/explain/hint-reasons.test.ts",
    "!../decision/evidence/m-of-n.test.ts",
  ],
  { eager: true },
)
