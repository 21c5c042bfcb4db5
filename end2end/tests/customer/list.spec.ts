// The list of customers: finding, narrowing, sorting, paging. The address holds all of it.

import { row } from "../support/customer";
import { expect, open, test } from "../support/test";

test("typing finds customers by a part of the name, without accents too", async ({ page }) => {
  await open(page, "/customers");
  const search = page.getByRole("searchbox", { name: "Search customers" });
  await search.fill("snabbkop");
  await expect(row(page, "Berglunds snabbköp")).toBeVisible();
  await expect(page).toHaveURL(/q=snabbkop/);
  await search.fill("MERE PAIL");
  await expect(page.getByRole("row").nth(1)).toContainText("Mère Paillarde");
  await expect(row(page, "Berglunds snabbköp")).toBeHidden();
});

test("typing finds customers by the digits of a phone number", async ({ page }) => {
  await open(page, "/customers");
  await page.getByRole("searchbox", { name: "Search customers" }).fill("0921-1234");
  await expect(row(page, "Berglunds snabbköp")).toBeVisible();
});

test("the search field is a key away", async ({ page }) => {
  await open(page, "/customers");
  await page.keyboard.press("/");
  await expect(page.getByRole("searchbox", { name: "Search customers" })).toBeFocused();
});

test("what nobody fits says so and leads back to all", async ({ page }) => {
  await open(page, "/customers?q=zzzz");
  await expect(page.getByText("No customer fits")).toBeVisible();
  await page.getByRole("link", { name: "Show all customers" }).click();
  await expect(page).toHaveURL("/customers");
  await expect(row(page, "Alfreds Futterkiste")).toBeVisible();
});

test("a filter becomes a chip and a part of the address, and leaves with its chip", async ({ page }) => {
  await open(page, "/customers?kind=company");
  await page.getByRole("button", { name: "Filter" }).click();
  const form = page.getByRole("group", { name: "Filter" });
  await form.getByLabel("City").fill("London");
  await form.getByRole("button", { name: "Show" }).click();
  await expect(page).toHaveURL(/city.*London/);
  await expect(page).toHaveURL(/kind.*company/);
  await expect(page.getByText("6 customers")).toBeVisible();
  await expect(row(page, "Around the Horn")).toBeVisible();
  await expect(row(page, "Alfreds Futterkiste")).toBeHidden();

  await page.reload();
  await expect(page.getByText("6 customers")).toBeVisible();
  await page.getByRole("link", { name: "Remove “City is London”" }).click();
  await expect(row(page, "Alfreds Futterkiste")).toBeVisible();
  await page.goBack();
  await expect(row(page, "Around the Horn")).toBeVisible();
  await expect(row(page, "Alfreds Futterkiste")).toBeHidden();
});

test("a column's head sorts, and turns the order round", async ({ page }) => {
  await open(page, "/customers?kind=company");
  const first = page.getByRole("row").nth(1);
  const name = page.getByRole("columnheader", { name: "Name" });
  await expect(name).toHaveAttribute("aria-sort", "ascending");
  await expect(first).toContainText("Alfreds Futterkiste");
  await name.getByRole("link").click();
  await expect(name).toHaveAttribute("aria-sort", "descending");
  await expect(first).toContainText("Wolski");
  await page.reload();
  await expect(first).toContainText("Wolski");
});

test("pages follow each other without a gap or a repetition, there and back", async ({ page }) => {
  await open(page, "/customers?kind=company");
  const names = async () => page.getByRole("rowgroup").nth(1).getByRole("link").allTextContents();
  const first = await names();
  await page.getByRole("link", { name: "Next" }).click();
  await expect(page.getByRole("link", { name: "Previous" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Next" })).toBeHidden();
  const second = await names();
  expect(new Set([...first, ...second]).size).toBe(first.length + second.length);
  expect(first.length + second.length).toBeGreaterThanOrEqual(67);
  await page.getByRole("link", { name: "Previous" }).click();
  await expect(page.getByRole("link", { name: "Next" })).toBeVisible();
  await expect.poll(names).toEqual(first);
});

test("an address that asks for what cannot be is answered with a sentence", async ({ page, problems }) => {
  problems.expectStatus(400, 422);
  for (const query of ["size=-1", "sort=colour", `filter=${"not(".repeat(100)}`]) {
    await open(page, `/customers?${query}`);
    await expect(page.getByText("This address asks for something that cannot be."), query).toBeVisible();
  }
  await page.getByRole("link", { name: "Show all customers" }).click();
  await expect(page).toHaveURL("/customers");
  await expect(page.getByRole("row").nth(1)).toBeVisible();
});

test("beside the panel no owner and no city is cut while another column has room", async ({ page }) => {
  await open(page, "/customers?kind=company");
  await row(page, "Berglunds snabbköp").getByRole("link").click();
  await expect(page.getByRole("complementary", { name: "Customer" }).getByText("Timeline")).toBeVisible();
  const cut = await page
    .getByRole("row")
    .locator("td:nth-child(2), td:nth-child(4), td:nth-child(5)")
    .evaluateAll((cells) => cells.filter((cell) => cell.scrollWidth > cell.clientWidth).map((cell) => cell.textContent));
  expect(cut).toEqual([]);
});

test("a row opens beside the list, by click, and the address says which", async ({ page }) => {
  await open(page, "/customers?kind=company");
  await row(page, "Berglunds snabbköp").getByRole("cell").nth(4).click();
  const panel = page.getByRole("complementary", { name: "Customer" });
  await expect(panel.getByRole("heading", { name: "Berglunds snabbköp" })).toBeVisible();
  await expect(page).toHaveURL(/open=/);
  await expect(row(page, "Berglunds snabbköp")).toHaveAttribute("aria-current", "true");

  await page.reload();
  await expect(panel.getByRole("heading", { name: "Berglunds snabbköp" })).toBeVisible();
  await panel.getByRole("link", { name: "Close" }).click();
  await expect(panel).toBeHidden();
  await expect(page).not.toHaveURL(/open=/);
  await page.goBack();
  await expect(panel.getByRole("heading", { name: "Berglunds snabbköp" })).toBeVisible();
});

test("rows are walked, opened, left and shown whole by keyboard alone", async ({ page }) => {
  await open(page, "/customers?kind=company");
  const panel = page.getByRole("complementary", { name: "Customer" });
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("k");
  await expect(row(page, "Ana Trujillo Emparedados y helados").getByRole("link")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(panel.getByRole("heading", { name: "Ana Trujillo Emparedados y helados" })).toBeVisible();
  await page.keyboard.press("j");
  await expect(panel.getByRole("heading", { name: "Antonio Moreno Taquería" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(panel).toBeHidden();
  await expect(row(page, "Antonio Moreno Taquería").getByRole("link")).toBeFocused();
  await page.keyboard.press("Enter");
  await panel.getByRole("link", { name: "Open the page" }).press("Enter");
  await expect(page.getByRole("heading", { name: "Antonio Moreno Taquería", level: 1 })).toBeVisible();
  await expect(page).toHaveURL(/\/customers\/[0-9a-f-]{36}$/);
});
