// What was done: told, reverted from there; the last change taken back by a key; the trash and the way out of it.

import { change, edit, field, messages, trash } from "./support/customer";
import { aiko, nadia, tom } from "./support/people";
import { acting } from "./support/appointment";
import { expect, open, test } from "./support/test";

test("what a colleague did is told and reverted from there", async ({ page, customer }) => {
  const path = await customer({ name: "Reverted Ltd", city: "Hull" });
  await change(tom, path, { city: "York" });
  await open(page, "/activity");
  const line = page.getByRole("listitem").filter({ hasText: "changed city of Reverted Ltd" });
  await expect(line).toContainText(tom.name);
  await line.getByRole("button", { name: /^Revert/ }).click();
  await expect(messages(page)).toContainText("Undone.");
  await expect(line).toContainText("Taken back");
  await expect(page.getByRole("listitem").filter({ hasText: "took back: changed" }).first()).toContainText(nadia.name);
  await open(page, path);
  await expect(field(page, "City")).toContainText("Hull");
});

test("what taking back would leave is told before it is done", async ({ page, customer }) => {
  const path = await customer({ name: "Weighed Ltd", city: "Hull" });
  await change(tom, path, { city: "York", region: "Yorkshire" });
  await change(nadia, path, { city: "Bath" });
  await open(page, "/activity");
  const line = page.getByRole("listitem").filter({ hasText: "changed city and region of Weighed Ltd" });
  await line.locator("a.when").click();
  await expect(page.getByText("What was done", { exact: true })).toBeVisible();
  const preview = page.getByRole("region", { name: "If it is taken back" });
  await expect(preview).toContainText("One record goes back; this stays as it is:");
  await expect(preview).toContainText("Weighed Ltd, City: It was changed since; the later value stays.");
  // Nothing of it is done by looking.
  const peek = await page.context().newPage();
  await open(peek, path);
  await expect(field(peek, "Region")).toContainText("Yorkshire");
  await peek.close();
  await preview.getByRole("button", { name: "Revert" }).click();
  await expect(messages(page)).toContainText("Undone, but one was left as it is.");
  await expect(preview).toContainText("It was taken back.");
  await expect(preview.getByRole("button")).toHaveCount(0);
  await open(page, path);
  await expect(field(page, "City")).toContainText("Bath");
  await expect(field(page, "Region")).not.toContainText("Yorkshire");
});

test("the key takes back the last change, but not while something is typed", async ({ page, customer }) => {
  const path = await customer({ name: "Keyed Ltd", city: "Hull" });
  await open(page, path);
  await edit(page, "City", "York");
  await expect(messages(page)).toContainText("Saved.");
  await page.getByRole("textbox", { name: "Note" }).fill("Half a word");
  await page.keyboard.press("Control+z");
  await expect(field(page, "City")).toContainText("York");
  await page.getByRole("heading", { name: "Keyed Ltd", level: 1 }).click();
  await page.keyboard.press("Control+z");
  await expect(messages(page)).toContainText("Undone.");
  await expect(field(page, "City")).toContainText("Hull");
  await messages(page).getByRole("button", { name: "Undo" }).click();
  await expect(field(page, "City")).toContainText("York");
});

test("what lies in the trash is taken out from its page", async ({ page, customer }) => {
  const path = await customer({ name: "Thrown Ltd" });
  await acting(nadia, (api) => trash(api, path));
  await open(page, "/trash");
  const line = page.getByRole("listitem").filter({ hasText: "Thrown Ltd" });
  await expect(line).toContainText(`by ${nadia.name}`);
  await line.getByRole("button", { name: "Restore Thrown Ltd" }).or(line.getByRole("button", { name: "Restore" })).click();
  await expect(messages(page)).toContainText("Taken out of the trash.");
  await expect(line).toHaveCount(0);
});

test("one who only looks sees what was done and reverts nothing", async ({ as, customer }) => {
  const path = await customer({ name: "Looked at Ltd" });
  await change(tom, path, { city: "York" });
  const page = await as(aiko);
  await open(page, "/activity");
  const line = page.getByRole("listitem").filter({ hasText: "changed city of Looked at Ltd" });
  await expect(line).toBeVisible();
  await expect(line.getByRole("button")).toHaveCount(0);
});

test.describe("without script", () => {
  test.use({ javaScriptEnabled: false });

  test("the feed is read and the last change taken back", async ({ page, customer }) => {
    const path = await customer({ name: "Plain Ltd", city: "Hull" });
    await change(nadia, path, { city: "York" });
    await page.goto("/activity?who=me");
    await expect(page.getByRole("listitem").filter({ hasText: "changed city of Plain Ltd" })).toBeVisible();
    await page.getByRole("button", { name: "Undo my last change" }).click();
    await expect(page.getByText("Undone.", { exact: true })).toBeVisible();
    await page.goto(path);
    await expect(field(page, "City")).toContainText("Hull");
  });
});
