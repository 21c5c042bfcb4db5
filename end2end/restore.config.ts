import tests from "./playwright.config";

// What script/check-restore runs, on demo data that came back from a backup.
export default { ...tests, testDir: "restore", testMatch: "*.spec.ts", projects: undefined };
