/// <reference types="vite/client" />

// All quick tests as one file: in the thread of each mutant, every test file would cost its own imports.

import.meta.glob(
  [
    "../run/**/*.test.ts",
    "../decision/**/*.test.ts",
    "../policy-file/**/*.test.ts",
    "../huawei/purchase/*.test.ts",
    "../huawei/retry-after.test.ts",
    // They read the sources, which are full of mutants here.
    "!../decision/explain/hint-reasons.test.ts",
    "!../run/ways-out.test.ts",
    // Plays 200,000 histories, too many for every mutant. Other tests of evidence cover the cases.
    "!../decision/evidence/m-of-n.test.ts",
  ],
  { eager: true },
)
