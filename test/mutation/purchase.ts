/// <reference types="vite/client" />

// The tests of the purchase on the wire alone.

import.meta.glob(["../huawei/purchase/*.test.ts", "../huawei/retry-after.test.ts"], { eager: true })
