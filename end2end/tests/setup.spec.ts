// The first start: an empty installation, set up in the browser; then colleagues and customers from the command line.

import { keepsNobodyOut } from "./support/accessible";
import { isIn, lars, nadia, NOBODY, signIn, aiko, tom } from "./support/people";
import { picture } from "./support/picture";
import { rapport, setUpToken } from "./support/server";
import { dress, LOOKS } from "./support/states";
import { awake, expect, open, test } from "./support/test";

test.describe.configure({ mode: "serial" });
test.use({ storageState: NOBODY });

test("an empty installation leads from every page to its set-up", async ({ page }) => {
  await page.goto("/customers");
  await expect(page).toHaveURL("/setup");
});

test("the set-up page: nothing keeps anybody out, light and dark, wide and narrow", async ({ page, problems }) => {
  problems.expectStatus(422);
  for (const look of LOOKS) {
    await dress(page, look);
    await open(page, "/setup");
    await keepsNobodyOut(page, look);
    await picture(page, "set-up", look);
    await page.getByLabel("E-mail").fill("nadia");
    await page.getByRole("button", { name: "Create the account" }).click();
    await expect(page.getByText("“nadia” is not an e-mail address.")).toBeVisible();
    await keepsNobodyOut(page, look);
    await picture(page, "set-up, refused", look);
  }
});

test("a wrong token, a short password and a wrong address are each named at their field", async ({
  page,
  problems,
}) => {
  problems.expectStatus(422);
  await open(page, "/setup");
  await page.getByLabel("Set-up token").fill("00000-00000-00000-00000");
  await page.getByLabel("Organisation").fill("Northwind Traders");
  await page.getByLabel("Your name").fill(nadia.name);
  await page.getByLabel("E-mail").fill("nadia");
  await page.getByLabel("Password").fill("short");
  await page.getByRole("button", { name: "Create the account" }).click();
  await expect(page.getByText("“nadia” is not an e-mail address.")).toBeVisible();
  await expect(page.getByText("Please use at least 12 characters.")).toBeVisible();
  await expect(page.getByLabel("Organisation")).toHaveValue("Northwind Traders");

  await page.getByLabel("E-mail").fill(nadia.email);
  await page.getByLabel("Password").fill(nadia.password);
  await page.getByRole("button", { name: "Create the account" }).click();
  await expect(page.getByLabel("Set-up token")).toHaveAttribute("aria-invalid", "true");
  await expect(page.getByLabel("Set-up token")).toBeFocused();
});

test("the token from the console makes the first admin, who is signed in at once", async ({ page }) => {
  await open(page, "/setup");
  await page.getByLabel("Set-up token").fill(setUpToken());
  await page.getByLabel("Organisation").fill("Northwind Traders");
  await page.getByLabel("Your name").fill(nadia.name);
  await page.getByLabel("E-mail").fill(nadia.email);
  await page.getByLabel("Password").fill(nadia.password);
  await page.getByRole("button", { name: "Create the account" }).click();
  await isIn(page);
  await awake(page);
  await expect(page.getByText("Nothing is booked for you today.")).toBeVisible();
  await expect(page.getByRole("navigation", { name: "Main" }).getByText("Northwind Traders", { exact: true })).toBeVisible();
  await page.context().storageState({ path: nadia.state });
  for (const look of LOOKS) {
    await dress(page, look);
    await open(page, "/customers");
    await expect(page.getByText("No customers yet")).toBeVisible();
    await keepsNobodyOut(page, look);
    await picture(page, "empty installation", look);
    await open(page, "/");
    await keepsNobodyOut(page, look);
    await picture(page, "empty installation, dashboard", look);
  }
});

test("once somebody works here the set-up page is closed", async ({ page }) => {
  await page.goto("/setup");
  await expect(page).toHaveURL("/sign-in");
});

for (const who of [tom, aiko, lars]) {
  test(`${who.name}, made on the command line as ${who.role}, signs in`, async ({ page }) => {
    const account = ["--email", who.email, "--name", who.name, "--role", who.role, "--password-stdin"];
    const made = rapport(["user", "create", ...account], `${who.password}\n`);
    expect(made.status, made.output).toBe(0);
    await open(page, "/sign-in");
    await signIn(page, who);
    await isIn(page);
    await page.context().storageState({ path: who.state });
  });
}

test("a real export comes in but for the 24 rows that cannot be read, each named by its line", async () => {
  const file = "domain/tests/data/northwind-customers.csv";
  const first = rapport(["import", "customers", file, "--owner", nadia.email]);
  expect(first.status, first.output).toBe(2);
  expect(first.output.match(/^.*\bline \d+/gim), first.output).toHaveLength(24);
  expect(first.output).toContain("67");

  const second = rapport(["import", "customers", file, "--owner", nadia.email]);
  expect(second.status, second.output).toBe(2);
});

test("the imported customers are in the list, once each", async ({ browser, problems }) => {
  const context = await browser.newContext({ storageState: nadia.state });
  problems.watch(context);
  const page = await context.newPage();
  await open(page, "/customers?kind=company");
  await expect(page.getByText("67 customers")).toBeVisible();
  await open(page, "/customers?kind=person");
  await expect(page.getByText("67 customers")).toBeVisible();
  await context.close();
});
