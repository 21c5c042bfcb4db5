import tests from "./playwright.config";

// What script/bench web runs: it measures and says so; only a budget that is missed fails.
export default {
  ...tests,
  testDir: "bench",
  testMatch: "*.bench.ts",
  timeout: 120_000,
  reporter: "line",
  projects: undefined,
};
