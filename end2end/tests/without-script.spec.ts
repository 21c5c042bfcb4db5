// The core journeys in a browser without script.

import type { Page } from "@playwright/test";

import { change, changeNote, field, messages, note, noteOf, row, timeline } from "./support/customer";
import { lars, nadia, NOBODY, signIn, tom } from "./support/people";
import { expect, test } from "./support/test";

test.use({ javaScriptEnabled: false });

/** Sends the form and gives the status of the page that answers. */
async function send(page: Page, button: string): Promise<number> {
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.request().isNavigationRequest() && response.status() !== 303),
    page.getByRole("button", { name: button, exact: true }).first().click(),
  ]);
  return answer.status();
}

test.describe("of somebody who is not signed in", () => {
  test.use({ storageState: NOBODY });

  test("signing in leads to the page that was asked for, and signing out leads out", async ({ page, problems }) => {
    problems.expectStatus(422);
    await page.goto("/customers?city=London");
    await page.getByLabel("E-mail").fill(lars.email);
    await page.getByLabel("Password").fill("not the password at all");
    expect(await send(page, "Sign in")).toBe(422);
    await expect(page.getByRole("alert")).not.toBeEmpty();
    await expect(page.getByLabel("E-mail")).toHaveValue(lars.email);
    await expect(page.getByLabel("Password")).toHaveValue("");

    await signIn(page, lars);
    await expect(page.getByRole("heading", { name: "Customers", level: 1 })).toBeVisible();
    await expect(page).toHaveURL("/customers?city=London");

    await page.getByRole("button", { name: lars.name }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await expect(page).toHaveURL("/sign-in");
    await expect(page.getByText("You are signed out.")).toBeVisible();
  });
});

test("the list is narrowed by one condition, searched, sorted and paged", async ({ page }) => {
  await page.goto("/customers?kind=company");
  await page.getByRole("link", { name: "Next" }).click();
  await expect(page.getByRole("link", { name: "Previous" })).toBeVisible();
  await page.getByRole("link", { name: "Previous" }).click();
  await expect(row(page, "Alfreds Futterkiste")).toBeVisible();

  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByRole("group", { name: "Filter" }).getByLabel("City").fill("London");
  await page.getByRole("button", { name: "Show" }).click();
  await expect(page.getByText("6 customers")).toBeVisible();

  await page.getByRole("columnheader", { name: "Name" }).getByRole("link").click();
  await expect(page.getByRole("row").nth(1)).toContainText("Seven Seas Imports");

  await page.goto("/customers");
  await page.getByRole("searchbox").fill("snabbkop");
  await page.getByRole("searchbox").press("Enter");
  await page.getByRole("link", { name: "Berglunds snabbköp" }).click();
  await expect(page.getByRole("heading", { name: "Berglunds snabbköp", level: 1 })).toBeVisible();
});

test("a new customer keeps what was typed when it is refused, and is then made", async ({ page, problems }) => {
  problems.expectStatus(422);
  await page.goto("/customers/new");
  await page.getByLabel("City").fill("Göteborg");
  await page.getByLabel("Phone").fill("031 / 12 34");
  await page.getByLabel("E-mail").fill("nobody at home");
  expect(await send(page, "Create customer")).toBe(422);
  await expect(page.getByText("Please give a name.")).toBeVisible();
  await expect(page.getByText("“nobody at home” is not an e-mail address.")).toBeVisible();
  await expect(page.getByLabel("City")).toHaveValue("Göteborg");
  await expect(page.getByLabel("Phone")).toHaveValue("031 / 12 34");
  await expect(page.getByLabel("E-mail")).toHaveValue("nobody at home");

  await page.getByLabel("Name").fill("Ohne Skript GmbH");
  await page.getByLabel("E-mail").fill("post@ohne.example");
  expect(await send(page, "Create customer")).toBe(200);
  await expect(page.getByRole("heading", { name: "Ohne Skript GmbH", level: 1 })).toBeVisible();
  await expect(messages(page)).toContainText("Customer created.");
  // Undo of a creation moves it to the trash.
  await messages(page).getByRole("button", { name: "Undo" }).click();
  await expect(messages(page)).toContainText("Undone.");
});

test("an edit is saved, told in the timeline, and taken back from the message and from the timeline", async ({
  page,
  customer,
}) => {
  const path = await customer({ name: "Mühle", city: "Fürth" });
  await page.goto(path);
  await field(page, "City").getByTitle("Edit city").click();
  await page.getByLabel("City").fill("Erlangen");
  expect(await send(page, "Save changes")).toBe(200);
  await expect(page).toHaveURL(path);
  await expect(field(page, "City")).toHaveText("Erlangen");
  await messages(page).getByRole("button", { name: "Undo" }).click();
  await expect(messages(page)).toContainText("Undone.");
  await expect(field(page, "City")).toHaveText("Fürth");
  await timeline(page).first().getByRole("button", { name: "Redo" }).click();
  await expect(field(page, "City")).toHaveText("Erlangen");
  // The message is said once.
  await page.reload();
  await expect(messages(page)).not.toContainText("Undone.");
});

test("a conflict is answered with both values, and the picked one is saved", async ({ page, customer, problems }) => {
  problems.expectStatus(409);
  const path = await customer({ name: "Sägewerk", city: "Hof" });
  for (const [pick, city] of [
    [/Keep what/, "Bayreuth"],
    [/Use mine/, "Coburg"],
  ] as const) {
    await page.goto(`${path}/edit`);
    await change(tom, path, { city: "Bayreuth" });
    await page.getByLabel("City").fill("Coburg");
    expect(await send(page, "Save changes")).toBe(409);
    await expect(page.getByRole("group", { name: "Which value should stand?" })).toContainText("Bayreuth");
    await expect(page.getByLabel("City")).toHaveValue("Coburg");
    await page.getByLabel(pick).check();
    expect(await send(page, "Save changes")).toBe(200);
    await expect(field(page, "City")).toHaveText(city);
    await change(tom, path, { city: "Hof" });
  }
});

test("a note is written; an empty one is refused at its field", async ({ page, customer, problems }) => {
  problems.expectStatus(422);
  await page.goto(await customer({ name: "Imkerei" }));
  expect(await send(page, "Save")).toBe(422);
  await expect(page.getByRole("textbox", { name: "Note" })).toHaveAttribute("aria-invalid", "true");
  await page.getByRole("textbox", { name: "Note" }).fill("Wants honey.");
  expect(await send(page, "Save")).toBe(200);
  await expect(timeline(page).first()).toContainText("Wants honey.");
});

test("a note is changed; a conflict shows both texts in its place; Undo brings the old one back", async ({
  page,
  customer,
  problems,
}) => {
  problems.expectStatus(409, 422);
  const path = await customer({ name: "Zimmerei" });
  await note(nadia, path, "Oak.");
  await page.goto(path);
  await noteOf(page, "Oak.").getByRole("link", { name: "Edit" }).click();
  const editor = page.getByRole("textbox", { name: "Text of the note" });
  const form = page.getByRole("form", { name: "Change the note" });
  const save = async () => {
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.request().isNavigationRequest() && response.status() !== 303),
      form.getByRole("button", { name: "Save" }).click(),
    ]);
    return answer.status();
  };
  await editor.fill("");
  expect(await save()).toBe(422);
  await expect(form).toContainText("Please write something first.");

  await editor.fill("Beech.");
  await changeNote(tom, path, "Ash.");
  expect(await save()).toBe(409);
  await expect(editor).toHaveValue("Beech.");
  await page.getByRole("radio", { name: /Use mine/ }).check();
  expect(await save()).toBe(200);
  await expect(page).toHaveURL(path);
  await expect(messages(page)).toContainText("Note changed.");
  await expect(noteOf(page, "Beech.")).toHaveCount(1);
  await messages(page).getByRole("button", { name: "Undo" }).click();
  await expect(noteOf(page, "Ash.")).toHaveCount(1);
});

test("a customer is moved to the trash, brought back with Undo, and restored on its page", async ({
  page,
  customer,
}) => {
  const path = await customer({ name: "Bäckerei Zimt" });
  for (const back of ["undo", "restore"]) {
    await page.goto(path);
    await page.getByRole("button", { name: "More" }).click();
    expect(await send(page, "Move to the trash")).toBe(200);
    await expect(messages(page)).toContainText("Moved to the trash.");
    if (back === "undo") {
      expect(await send(page, "Undo")).toBe(200);
    } else {
      await page.goto(path);
      expect(await send(page, "Restore")).toBe(200);
    }
    await page.goto(path);
    await expect(page.getByText("This customer is in the trash")).toHaveCount(0);
  }
});
