/// <reference types="vite/client" />

// All quick tests as one file: for each mutant Stryker starts a thread, and in it every file that is run costs its imports.

import.meta.glob(
  [
    "../run/**/*.test.ts",
    "../decision/**/*.test.ts",
    "../policy/**/*.test.ts",
    "../huawei/{live-scale-up-*,purchase-answer,purchase-exchange,rejections}.test.ts",
    // They read the sources, which are full of mutants here.
    "!../decision/nearest-reasons.test.ts",
    "!../run/ways-out.test.ts",
    // Two hundred thousand histories: too dear to be told again to every mutant; other tests of evidence know the cases.
    "!../decision/m-of-n.test.ts",
  ],
  { eager: true },
)
