// A new customer.

import { messages, post, trash } from "../support/customer";
import { awake, expect, open, test } from "../support/test";

test("a new customer: what is wrong is said at its field, what was typed stays, and then it is made", async ({
  page,
  problems,
}) => {
  problems.expectStatus(422);
  await open(page, "/customers/new");
  await expect(page.getByLabel("Name")).toBeFocused();
  await page.getByText("Company", { exact: true }).first().click();
  await page.getByLabel("City").fill("Göteborg");
  await page.getByLabel("E-mail").fill("nobody at home");
  await page.getByRole("button", { name: "Create customer" }).click();
  await expect(page.getByText("Please give a name.")).toBeVisible();
  await expect(page.getByText("“nobody at home” is not an e-mail address.")).toBeVisible();
  await expect(page.getByLabel("City")).toHaveValue("Göteborg");

  await page.getByLabel("Name").fill("Kaffe & Kardemumma");
  await page.getByLabel("E-mail").fill("hej@kardemumma.example");
  await page.getByRole("button", { name: "Create customer" }).click();
  await expect(page.getByRole("heading", { name: "Kaffe & Kardemumma", level: 1 })).toBeVisible();
  await expect(page.getByText("Customer created.")).toBeVisible();
  await expect(page).toHaveURL(/\/customers\/[0-9a-f-]{36}$/);
  await trash(page.request, new URL(page.url()).pathname);
});

test("over the list the same form opens in a dialog, by keyboard and back", async ({ page, problems }) => {
  problems.expectStatus(422);
  await open(page, "/customers?kind=company");
  const button = page.getByRole("link", { name: "New customer" });
  await button.press("Enter");
  const dialog = page.getByRole("dialog", { name: "New customer" });
  await expect(dialog.getByLabel("Name")).toBeFocused();
  await expect(page).toHaveURL("/customers?kind=company");
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  await expect(button).toBeFocused();

  await button.click();
  await expect(dialog.getByLabel("Name")).toBeFocused();
  await dialog.getByRole("link", { name: "Cancel" }).click();
  await expect(dialog).toBeHidden();
  await expect(page).toHaveURL("/customers?kind=company");

  await button.click();
  await dialog.getByLabel("City").fill("Göteborg");
  await dialog.getByRole("button", { name: "Create customer" }).click();
  await expect(dialog.getByText("Please give a name.")).toBeVisible();
  await expect(dialog.getByLabel("Name")).toBeFocused();
  await expect(dialog.getByLabel("City")).toHaveValue("Göteborg");
  // A press beside the dialog loses nothing.
  await page.mouse.click(5, 5);
  await dialog.getByLabel("Name").fill("Fika & Co");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Fika & Co", level: 1 })).toBeVisible();
  await expect(messages(page)).toContainText("Customer created.");
  await expect(dialog).toBeHidden();
  await trash(page.request, new URL(page.url()).pathname);
});

test("a press with a key held opens the page of the form in a tab of its own", async ({ page, context }) => {
  await open(page, "/customers");
  const [tab] = await Promise.all([
    context.waitForEvent("page"),
    page.getByRole("link", { name: "New customer" }).click({ modifiers: ["Control"] }),
  ]);
  await expect(tab).toHaveURL("/customers/new");
  await expect(page.getByRole("dialog")).toBeHidden();
});

test("a person is put into a company that is found by typing", async ({ page }) => {
  await open(page, "/customers/new");
  await page.getByLabel("Name").fill("Ebba Lind");
  const company = page.getByRole("combobox", { name: "Company" });
  await company.pressSequentially("snabbk");
  await expect(page.getByRole("option", { name: /Berglunds snabbköp/ })).toBeVisible();
  await company.press("ArrowDown");
  await company.press("Enter");
  await expect(company).toHaveValue(/Berglunds snabbköp/);
  await page.getByRole("button", { name: "Create customer" }).click();
  await expect(page.getByRole("heading", { name: "Ebba Lind", level: 1 })).toBeVisible();
  await expect(page.getByRole("link", { name: "Berglunds snabbköp" })).toBeVisible();
  await trash(page.request, new URL(page.url()).pathname);
});

test("a form sent twice makes one customer", async ({ page }) => {
  await open(page, "/customers/new");
  const id = await page.locator("input[name=id]").inputValue();
  const form = { id, kind: "company", stage: "lead", name: "Doppelt AG" };
  const answers = await Promise.all([
    post(page.request, "/customers/new", form),
    post(page.request, "/customers/new", form),
  ]);
  expect(answers.map((answer) => answer.status())).toEqual([303, 303]);
  await page.goto("/customers?q=doppelt");
  await awake(page);
  await expect(page.getByRole("row")).toHaveCount(2);
  await trash(page.request, `/customers/${id}`);
});
