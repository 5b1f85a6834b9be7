/// <reference types="vite/client" />

// The tests of policy files alone.

import.meta.glob("../policy-file/**/*.test.ts", { eager: true })
