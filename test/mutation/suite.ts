/// <reference types="vite/client" />

// All quick tests as one file: for each mutant Stryker starts a thread, and in it every file that is run costs its imports.

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
    // Two hundred thousand histories: too expensive to run again for every mutant; other tests of evidence know the cases.
    "!../decision/evidence/m-of-n.test.ts",
  ],
  { eager: true },
)
