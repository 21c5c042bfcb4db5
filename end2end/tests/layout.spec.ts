// The frame around the pages.

import { row } from "./support/customer";
import { awake, expect, open, test } from "./support/test";

test("an address that leads nowhere keeps the frame, and the way on", async ({ page, problems }) => {
  problems.expectStatus(404);
  await page.goto("/nowhere/at/all");
  await awake(page);
  await expect(page.getByText("Nothing here")).toBeVisible();
  const places = page.getByRole("navigation", { name: "Main" });
  await expect(places.getByText("Northwind Traders", { exact: true })).toBeVisible();
  await places.getByRole("link", { name: "Customers" }).click();
  await expect(row(page, "Alfreds Futterkiste")).toBeVisible();
});

test.describe("at phone width", () => {
  test.use({ viewport: { width: 390, height: 844 } });

  test("the bar says whose Rapport it is, and a customer's long name is shown whole", async ({ page, customer }) => {
    const name = "Nordlicht Feinkost & Söhne, Versand und Filialen";
    await open(page, await customer({ name }));
    await expect(page.getByRole("banner")).toHaveText("Northwind Traders");
    const heading = page.getByRole("heading", { name, level: 1 });
    const cut = await heading.evaluate((h1) => h1.scrollHeight > h1.clientHeight || h1.scrollWidth > h1.clientWidth);
    expect(cut).toBe(false);
    await expect(page.getByRole("link", { name: "Edit", exact: true })).toBeVisible();
  });

  test("the menu opens the places as a drawer, which closes with the choice", async ({ page }) => {
    await open(page, "/customers?q=zzzz");
    await page.getByRole("button", { name: "Menu" }).click();
    const places = page.getByRole("navigation", { name: "Main" });
    await places.getByRole("link", { name: "Customers" }).click();
    await expect(places).toBeHidden();
    await expect(page).toHaveURL("/customers");
  });
});
