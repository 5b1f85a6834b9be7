import { configDefaults, defineConfig } from "vitest/config"

// The tests that mutants of the money path must not survive: quick ones, without processes and packaging.
export default defineConfig({
  test: {
    include: [
      "test/run/**/*.test.ts",
      "test/decision/**/*.test.ts",
      "test/scenarios/**/*.test.ts",
      "test/huawei/{live-scale-up-answers,rejections}.test.ts",
    ],
    // They read the sources, which are full of mutants here.
    exclude: [
      ...configDefaults.exclude,
      "test/decision/nearest-reasons.test.ts",
      "test/run/ways-out.test.ts",
      // Two hundred thousand histories: too dear to be told again to every mutant; the other tests of evidence know the cases.
      "test/decision/m-of-n.test.ts",
    ],
    isolate: false,
    testTimeout: 60_000,
    env: { TZ: "UTC" },
  },
})
