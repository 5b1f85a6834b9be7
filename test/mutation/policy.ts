/// <reference types="vite/client" />

// The tests of policy files alone.

import.meta.glob("../policy/**/*.test.ts", { eager: true })
