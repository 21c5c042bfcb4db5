// Signing in and out.

import { isIn, lars, NOBODY, signIn } from "./support/people";
import { awake, expect, open, test } from "./support/test";

test.use({ storageState: NOBODY });

test("a page behind sign-in is shown after signing in, with what its address asked for", async ({ page }) => {
  await open(page, "/customers?city=London");
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await signIn(page, lars);
  await expect(page).toHaveURL("/customers?city=London");
  await expect(page.getByRole("heading", { name: "Customers", level: 1 })).toBeVisible();
});

test("an address on another site is not gone to after signing in", async ({ page }) => {
  await open(page, "/sign-in?next=//evil.example/customers");
  await signIn(page, lars);
  await expect(page).toHaveURL("/");
});

test("a wrong password and an unknown address get one and the same answer", async ({ page, problems }) => {
  problems.expectStatus(422);
  const answers = [];
  for (const email of [lars.email, "nobody@northwind.example"]) {
    await open(page, "/sign-in");
    await signIn(page, { email, password: "not the password at all" });
    const alert = page.getByRole("main").getByRole("alert");
    await expect(alert).not.toBeEmpty();
    answers.push(await alert.textContent());
    await expect(page.getByLabel("E-mail")).toHaveValue(email);
    await expect(page).toHaveURL("/sign-in");
  }
  expect(answers[0]).toBe(answers[1]);
});

test("a form without a password says so at the field and puts the focus there", async ({ page, problems }) => {
  problems.expectStatus(422);
  await open(page, "/sign-in");
  await signIn(page, { email: lars.email, password: "" });
  await expect(page.getByText("Please give your password.")).toBeVisible();
  await expect(page.getByLabel("Password")).toBeFocused();
});

test("who signs out is out: the page before is not shown again", async ({ page }) => {
  await open(page, "/sign-in");
  await signIn(page, lars);
  await isIn(page);
  await awake(page);
  await page.getByRole("button", { name: lars.name }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL("/sign-in");
  await expect(page.getByText("You are signed out.")).toBeVisible();
  await page.goto("/customers");
  await expect(page).toHaveURL(/\/sign-in/);
  await page.goBack();
  await expect(page.getByRole("row")).toHaveCount(0);
});

test("a session's cookie cannot be read by script, and a tampered one lets nobody in", async ({ page, context }) => {
  await open(page, "/sign-in");
  await signIn(page, lars);
  await isIn(page);
  const session = (await context.cookies()).find((cookie) => cookie.httpOnly && /^[0-9a-f]{64}$/.test(cookie.value));
  expect(session).toMatchObject({ sameSite: "Lax", path: "/" });
  expect(await page.evaluate(() => document.cookie)).not.toContain(session!.value);

  const flipped = session!.value[0] === "0" ? "1" : "0";
  const value = session!.value;
  for (const tampered of [flipped + value.slice(1), value.slice(1), `${value}0`, "'--"]) {
    await context.addCookies([{ ...session!, value: tampered }]);
    await page.goto("/customers");
    await expect(page).toHaveURL(/\/sign-in/);
  }
});

test("a session that ended meanwhile leaves what was typed on the page, to be sent again", async ({
  page,
  context,
  problems,
}) => {
  problems.expectStatus(401);
  await open(page, "/sign-in?next=/customers/new");
  await signIn(page, lars);
  await expect(page.getByRole("heading", { name: "New customer" })).toBeVisible();
  await awake(page);
  await context.clearCookies();
  await page.getByLabel("Name").fill("Not to be lost");
  await page.getByRole("button", { name: "Create customer" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "Please sign in." })).toBeVisible();
  await expect(page.getByRole("link", { name: /Sign in in a new tab/ })).toBeVisible();
  await expect(page.getByLabel("Name")).toHaveValue("Not to be lost");
});
