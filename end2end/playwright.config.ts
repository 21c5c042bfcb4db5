import { defineConfig, devices } from "@playwright/test";

import { nadia } from "./tests/support/people";
import { server } from "./tests/support/server";

// One server and one database: what one test writes another could see, so they run one after another.
export default defineConfig({
  testDir: "tests",
  workers: 1,
  outputDir: "test-results",
  forbidOnly: Boolean(process.env.CI),
  reporter: "list",
  timeout: 30_000,
  expect: { timeout: 7_000 },
  use: {
    ...devices["Desktop Chrome"],
    baseURL: server.url,
    viewport: { width: 1440, height: 900 },
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH || undefined,
      // The browser looks for nothing but Rapport.
      args: [
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
  projects: [
    { name: "setup", testMatch: "setup.spec.ts" },
    {
      name: "journeys",
      testIgnore: ["setup.spec.ts", "import.spec.ts"],
      dependencies: ["setup"],
      use: { storageState: nadia.state },
    },
    // After the others: an import that fails half way leaves what it brought, and their lists would hold it too.
    {
      name: "imports",
      testMatch: "import.spec.ts",
      dependencies: ["setup"],
      use: { storageState: nadia.state },
    },
  ],
});
