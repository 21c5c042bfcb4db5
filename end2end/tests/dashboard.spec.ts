// The dashboard: what is due, what changed, figures by whose and when, in the address and as tables.

import { book, cancel } from "./support/appointment";
import { change } from "./support/customer";
import { nadia, tom } from "./support/people";
import { expect, open, test } from "./support/test";

const count = async (page: import("@playwright/test").Page) =>
  Number(await page.getByRole("region", { name: "New customers", exact: true }).locator("b").textContent());

test("a customer that is made counts at once, and what changed is told with the way there", async ({ page, customer }) => {
  await open(page, "/?whose=mine");
  await expect(page.getByRole("heading", { level: 1 })).toContainText(nadia.name.split(" ")[0]);
  const before = await count(page);
  const path = await customer({ name: "Counted Ltd" });
  await change(tom, path, { city: "Oslo" });
  await open(page, "/?whose=mine");
  expect(await count(page)).toBe(before + 1);
  const lately = page.getByRole("region", { name: "What changed" });
  await expect(lately.getByRole("listitem").first()).toContainText(`${tom.name} changed city of Counted Ltd`);
  await lately.getByRole("link", { name: "Counted Ltd" }).first().click();
  await expect(page).toHaveURL(path);
});

test("whose and which period stand in the address, and the way back leads through them", async ({ page }) => {
  await open(page, "/");
  await page.getByLabel("Period").selectOption("Last 52 weeks");
  await expect(page).toHaveURL("/?days=364");
  await page.getByLabel("Whose").selectOption("Mine");
  await expect(page).toHaveURL("/?whose=mine&days=364");
  await expect(page.getByLabel("Whose")).toHaveValue("mine");
  await page.goBack();
  await expect(page).toHaveURL("/?days=364");
  await expect(page.getByLabel("Whose")).toHaveValue("");
});

test("each chart stands as a table too, opened and read by keys alone", async ({ page }) => {
  await open(page, "/?days=91");
  const summary = page.getByRole("region", { name: "New customers", exact: true }).getByText("As a table");
  await summary.focus();
  await page.keyboard.press("Enter");
  const table = page.getByRole("table").filter({ hasText: "New customers" });
  await expect(table.getByRole("row")).toHaveCount(14);
  const cells = await table.getByRole("cell").allTextContents();
  const total = cells.reduce((sum, cell) => sum + Number(cell), 0);
  expect(total).toBe(await count(page));
});

test("today's appointments are listed, by one's own clock", async ({ page }) => {
  // As ISO 8601, by the clock of the browsers.
  const { timezoneId } = test.info().project.use;
  const day = new Date().toLocaleDateString("sv-SE", { timeZone: timezoneId });
  const path = await book(nadia, { date: day, time: "23:55", minutes: "5", title: "Late call" });
  await open(page, "/");
  const today = page.getByRole("region", { name: "Today" });
  await expect(today.getByRole("listitem").filter({ hasText: "Late call" })).toContainText("23:55");
  await today.getByRole("link", { name: "Late call" }).click();
  await expect(page).toHaveURL(path);
  await cancel(path);
});

test.describe("without script", () => {
  test.use({ javaScriptEnabled: false });

  test("figures are asked for by a form", async ({ page }) => {
    await page.goto("/");
    await page.getByLabel("Period").selectOption("Last 7 days");
    await page.getByRole("button", { name: "Show" }).click();
    await expect(page).toHaveURL("/?whose=&days=7");
    await expect(page.getByLabel("Period")).toHaveValue("7");
    await expect(page.getByRole("region", { name: "Customers by stage" }).getByRole("row")).toHaveCount(5);
  });
});
