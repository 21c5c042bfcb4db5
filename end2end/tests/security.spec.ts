// A second factor at sign-in, and sight of where one is signed in.

import type { Browser, Page } from "@playwright/test";

import { messages } from "./support/customer";
import { code, guarded } from "./support/factor";
import { isIn, nadia, NOBODY, signIn } from "./support/people";
import { address, joined, PASSWORD } from "./support/staff";
import { awake, expect, open, test } from "./support/test";

test.use({ storageState: NOBODY });

const TELEPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1";

/** A telephone, in whose browser somebody is signed in. */
async function elsewhere(browser: Browser, email: string): Promise<Page> {
  const page = await (await browser.newContext({ storageState: NOBODY, userAgent: TELEPHONE })).newPage();
  await page.goto("/sign-in");
  await awake(page);
  await signIn(page, { email, password: PASSWORD });
  await isIn(page);
  return page;
}

test("a second factor is turned on from the settings, and asked for at the next sign-in", async ({ page, problems }) => {
  problems.expectStatus(422);
  const email = address("ida");
  await joined(email, "Ida Berg");
  await open(page, "/sign-in");
  await signIn(page, { email, password: PASSWORD });
  await isIn(page);
  await open(page, "/settings");
  await page.getByRole("link", { name: "Second factor and sessions" }).click();
  await page.getByRole("link", { name: "Turn it on" }).click();
  await expect(page.getByRole("img", { name: "The key as a QR code" })).toBeVisible();
  await awake(page);
  const key = await page.locator("form .num").innerText();
  await page.getByLabel("Code", { exact: true }).fill("000000");
  await page.getByLabel("Your password").fill(PASSWORD);
  await page.getByRole("button", { name: "Turn it on" }).click();
  await expect(page.getByText("This code is not right")).toBeVisible();
  await page.getByLabel("Code", { exact: true }).fill(code(key));
  await page.getByRole("button", { name: "Turn it on" }).click();
  await expect(page.getByRole("heading", { name: "Your second factor is on" })).toBeVisible();
  await expect(page.getByRole("list", { name: "Recovery codes" }).getByRole("listitem")).toHaveCount(8);
  await page.getByRole("link", { name: "Go on" }).click();
  await isIn(page);
  await awake(page);
  await page.getByRole("button", { name: "Ida Berg" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page).toHaveURL("/sign-in");
  await awake(page);

  await expect(page.getByLabel("Code", { exact: true })).toHaveCount(0);
  await signIn(page, { email, password: PASSWORD });
  await expect(page.getByLabel("Code", { exact: true })).toBeFocused();
  await expect(page.getByLabel("Password")).toHaveValue(PASSWORD);
  await page.keyboard.type(code(key, 1));
  await page.keyboard.press("Enter");
  await isIn(page);
});

test("a recovery code lets in once, and the settings say how many are left", async ({ page, browser, problems }) => {
  problems.expectStatus(422);
  const email = address("jon");
  const { codes, key } = await guarded(email, "Jon Dahl");
  await open(page, "/sign-in");
  await signIn(page, { email, password: PASSWORD });
  await page.getByLabel("Code", { exact: true }).fill(codes[0]!.toLowerCase());
  await page.getByRole("button", { name: "Sign in" }).click();
  await isIn(page);
  await open(page, "/settings/security");
  await expect(page.getByText("7 recovery codes are left.")).toBeVisible();

  const again = await (await browser.newContext({ storageState: NOBODY })).newPage();
  await again.goto("/sign-in");
  await awake(again);
  await signIn(again, { email, password: PASSWORD });
  await again.getByLabel("Code", { exact: true }).fill(codes[0]!);
  await again.getByRole("button", { name: "Sign in" }).click();
  await expect(again.getByText("This code is not right")).toBeVisible();
  await again.context().close();

  await page.getByText("New recovery codes").click();
  const form = page.getByRole("form", { name: "New recovery codes" });
  await form.getByLabel("Your password").fill(PASSWORD);
  await form.getByLabel("Code").fill(code(key, 1));
  await form.getByRole("button", { name: "Make new codes" }).click();
  await expect(messages(page)).toContainText("Those before are good no more.");
  const shown = page.getByRole("list", { name: "Recovery codes" });
  await expect(shown).not.toContainText(codes[1]!);
  await expect(shown.getByRole("listitem")).toHaveCount(8);
  await page.getByText("Turn it off").first().click();
  const off = page.getByRole("form", { name: "Turn it off" });
  await off.getByLabel("Your password").fill(PASSWORD);
  await off.getByLabel("Code").fill((await shown.getByRole("listitem").first().innerText()).trim());
  await off.getByRole("button", { name: "Turn it off" }).click();
  await expect(page.getByText("Your second factor is off.")).toBeVisible();
  await expect(page.getByRole("link", { name: "Turn it on" })).toBeVisible();
});

test("everybody sees where they are signed in, and ends what they do not know", async ({ page, browser, problems }) => {
  problems.expectStatus(422);
  const email = address("kim");
  await joined(email, "Kim Lind");
  const other = await elsewhere(browser, email);
  await open(page, "/sign-in");
  await signIn(page, { email, password: PASSWORD });
  await isIn(page);
  await open(page, "/settings/security");
  const sessions = page.getByRole("region").filter({ hasText: "last used" });
  // One of coming in by the invitation, one elsewhere, and this one.
  await expect(sessions).toHaveCount(3);
  await expect(sessions.first()).toContainText("This one");
  await expect(sessions.nth(1)).toContainText("Safari on iPhone");
  const unknown = sessions.nth(1);
  await unknown.locator("summary").click();
  await unknown.getByLabel("Your password").fill("not it at all");
  await unknown.getByRole("button", { name: "End it" }).click();
  await expect(unknown).toContainText("This is not your password.");
  await unknown.getByLabel("Your password").fill(PASSWORD);
  await unknown.getByRole("button", { name: "End it" }).click();
  await expect(messages(page)).toContainText("That session is over.");
  await expect(sessions).toHaveCount(2);
  await other.goto("/customers");
  await expect(other).toHaveURL(/\/sign-in/);
  await other.context().close();

  await page.locator("summary", { hasText: "End all but this one" }).click();
  const others = page.getByRole("form", { name: "End all but this one" });
  await others.getByLabel("Your password").fill(PASSWORD);
  await others.getByRole("button", { name: "End all but this one" }).click();
  await expect(messages(page)).toContainText("The other session is over.");
  await expect(sessions).toHaveCount(1);
  await expect(page.locator("summary", { hasText: "End all but this one" })).toHaveCount(0);
});

test("an admin takes a second factor away that was lost", async ({ browser, page, problems }) => {
  problems.expectStatus(422);
  const email = address("liv");
  const { path } = await guarded(email, "Liv Strand");
  const admin = await (await browser.newContext({ storageState: nadia.state })).newPage();
  await admin.goto(path);
  await awake(admin);
  await expect(admin.getByText("They have a second factor.")).toBeVisible();
  await admin.getByRole("button", { name: "Take the second factor away" }).click();
  await expect(admin.getByText("They have no second factor.")).toBeVisible();
  await admin.context().close();
  await open(page, "/sign-in");
  await signIn(page, { email, password: PASSWORD });
  await isIn(page);
});

test.describe("without script", () => {
  test.use({ javaScriptEnabled: false });

  test("the code is asked for after the password, and both are sent together", async ({ page, problems }) => {
    problems.expectStatus(422);
    const email = address("mia");
    const { key } = await guarded(email, "Mia Holm");
    await page.goto("/sign-in?next=/customers");
    await signIn(page, { email, password: PASSWORD });
    await expect(page.getByText("Please give the code that your authenticator app shows")).toBeVisible();
    await expect(page.getByLabel("E-mail")).toHaveValue(email);
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByLabel("Code", { exact: true }).fill(code(key, 1));
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page).toHaveURL("/customers");

    await page.goto("/settings/security");
    await page.getByText("New recovery codes").click();
    await page.getByRole("button", { name: "Make new codes" }).click();
    await expect(page.getByText("Please give your password.")).toBeVisible();
  });
});
