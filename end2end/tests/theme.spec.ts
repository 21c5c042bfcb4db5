// Light and dark.

import { expect, open, test } from "./support/test";

const ground = "getComputedStyle(document.documentElement).backgroundColor";

test("the chosen colours are kept, and already right in what the server sends", async ({ page, context }) => {
  await page.emulateMedia({ colorScheme: "light" });
  await open(page, "/customers");
  const light = await page.evaluate(ground);
  await page.getByRole("button", { name: "Nadia Kovač" }).click();
  await page.getByRole("button", { name: "Dark", exact: true }).click();
  await expect.poll(() => page.evaluate(ground)).not.toBe(light);
  const dark = await page.evaluate(ground);
  await expect
    .poll(async () => (await context.cookies()).find((cookie) => cookie.name === "rapport-theme")?.value)
    .toBe("dark");

  // No flash: the document itself says it, before any script runs.
  const document = await (await page.request.get("/customers")).text();
  expect(document).toMatch(/<html[^>]* data-theme="dark"/);
  await open(page, "/customers");
  expect(await page.evaluate(ground)).toBe(dark);

  await page.getByRole("button", { name: "Nadia Kovač" }).click();
  await page.getByRole("button", { name: "As the system" }).click();
  await expect.poll(() => page.evaluate(ground)).toBe(light);
  await page.emulateMedia({ colorScheme: "dark" });
  expect(await page.evaluate(ground)).toBe(dark);
});
