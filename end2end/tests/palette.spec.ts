// The command palette, by keyboard alone.

import { expect, open, test } from "./support/test";

for (const key of ["Control+k", "Meta+k"]) {
  test(`${key} opens the palette, which finds a customer by typing and opens it`, async ({ page }) => {
    await open(page, "/customers");
    await page.keyboard.press(key);
    const palette = page.getByRole("dialog", { name: "Search and commands" });
    await expect(palette.getByRole("combobox")).toBeFocused();
    await page.keyboard.type("konig");
    await expect(palette.getByRole("option", { name: /Königlich Essen/ }).first()).toHaveAttribute(
      "aria-selected",
      "true",
    );
    await page.keyboard.press("Enter");
    await expect(palette).toBeHidden();
    await expect(page.getByRole("heading", { name: "Königlich Essen", level: 1 })).toBeVisible();
  });
}

test("the palette starts a new customer", async ({ page }) => {
  await open(page, "/customers");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("new cus");
  const offer = page.getByRole("option", { name: /New customer/ });
  await expect(offer).toBeVisible();
  while ((await offer.getAttribute("aria-selected")) !== "true") await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "New customer" })).toBeVisible();
  await expect(page.getByLabel("Name")).toBeFocused();
});

test("Esc closes the palette and gives the focus back to where it was", async ({ page }) => {
  await open(page, "/customers");
  await page.getByRole("searchbox").focus();
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(page.getByRole("searchbox")).toBeFocused();
});
