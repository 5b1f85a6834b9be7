import { defineConfig } from "vitest/config"

// The tests that mutants of the money path must not survive: quick ones, without processes and packaging.
export default defineConfig({
  test: {
    include: [process.env.MUTATION_SUITE ?? "test/mutation/suite.ts"],
    isolate: false,
    testTimeout: 60_000,
    env: { TZ: "UTC" },
  },
})
