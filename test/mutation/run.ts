/// <reference types="vite/client" />

// The tests of the run alone, over fakes with memory.

import.meta.glob(["../run/**/*.test.ts", "!../run/ways-out.test.ts"], { eager: true })
