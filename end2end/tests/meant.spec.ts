// What a person means is what is done: however fast they press, whatever is drawn anew under their hands.

import { book, cancel, wednesday } from "./support/appointment";
import { change, field, messages, row, timeline } from "./support/customer";
import { nadia, tom } from "./support/people";
import { deaf, expect, hears, open, quiet, test } from "./support/test";

test("who only looks at an owner that nobody could choose any more leaves them", async ({ page, customer }) => {
  const path = await customer({ name: "Left Behind Ltd" });
  // As for an owner whose account is closed: they are not among those to choose.
  await page.route("**/api/fn/customer/owners*", (route) => route.fulfill({ json: [] }));
  await open(page, path);
  const owner = field(page, "Owner");
  await owner.getByTitle("Edit owner").click();
  const select = owner.getByRole("combobox", { name: "Owner" });
  await expect(select).toBeFocused();
  await expect(select.locator("option:checked")).toHaveText(nadia.name);
  await page.keyboard.press("Tab");
  await expect(select).toBeHidden();
  await quiet(page);
  await expect(owner).toContainText(nadia.name);
  await expect(timeline(page)).toHaveCount(1);
});

test("the second press of a double click is none: what stands there by then was not meant", async ({ page }) => {
  const path = await book(nadia, { date: wednesday(13), time: "10:00", title: "Pressed twice" });
  await open(page, path);
  const box = await page.getByRole("button", { name: "Confirm" }).boundingBox();
  if (!box) throw new Error("it is not there");
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.click(x, y);
  await expect(page.getByRole("button", { name: "Back to booked" })).toBeVisible();
  await page.mouse.down({ clickCount: 2 });
  await page.mouse.up({ clickCount: 2 });
  await quiet(page);
  await expect(page.getByRole("button", { name: "Back to booked" })).toBeVisible();
  await cancel(path);
});

test("a page that was left open does not bring back what was cancelled meanwhile", async ({ page, problems }) => {
  problems.expectStatus(409);
  const path = await book(nadia, { date: wednesday(14), time: "10:00", title: "Called off" });
  await deaf(page);
  await open(page, path);
  await cancel(path);
  await page.getByRole("button", { name: "Confirm" }).click();
  await expect(page.getByRole("form", { name: "Confirm" }).getByRole("alert")).toBeVisible();
  await page.reload();
  await expect(page.getByRole("button", { name: "Book again" })).toBeVisible();
});

test("Enter in the palette waits for the answer to what is typed", async ({ page }) => {
  await open(page, "/customers");
  await page.keyboard.press("Control+k");
  const input = page.getByRole("combobox", { name: "Find a customer or a page" });
  await input.fill("konig");
  await expect(page.getByRole("option", { name: /Königlich Essen/ }).first()).toBeVisible();
  await input.fill("alfreds");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Alfreds Futterkiste", level: 1 })).toBeVisible();
});

test("Enter in a field that finds waits for the answer, too, and nothing found is said", async ({ page, customer }) => {
  const path = await customer({ name: "Ebba Lind", kind: "person" });
  await open(page, path);
  await field(page, "Company").getByTitle("Edit company").click();
  const company = page.getByRole("combobox", { name: "Company" });
  await company.fill("konig");
  await expect(page.getByRole("option", { name: /Königlich Essen/ })).toBeVisible();
  await company.fill("zzzz");
  await expect(page.getByText("Nothing found")).toBeVisible();
  await company.fill("snabbk");
  await page.keyboard.press("Enter");
  await expect(field(page, "Company")).toContainText("Berglunds snabbköp");
  await expect(messages(page)).toContainText("Saved.");
});

test("a key that is held down takes one thing back", async ({ page, customer }) => {
  const path = await customer({ name: "Held Down Ltd" });
  await change(nadia, path, { city: "Ely" });
  await change(nadia, path, { city: "Bath" });
  await open(page, path);
  await expect(field(page, "City")).toContainText("Bath");
  await page.keyboard.down("Control");
  for (let press = 0; press < 4; press += 1) await page.keyboard.down("z");
  await page.keyboard.up("z");
  await page.keyboard.up("Control");
  await expect(field(page, "City")).toContainText("Ely");
  await quiet(page);
  await expect(field(page, "City")).toContainText("Ely");
});

test("Esc closes a new customer, and what was typed is there again", async ({ page, customer }) => {
  const path = await customer({ name: "Seen Behind It Ltd" });
  await open(page, "/customers?kind=company&q=Seen+Behind");
  await hears(page);
  const button = page.getByRole("link", { name: "New customer" });
  await button.click();
  const dialog = page.getByRole("dialog", { name: "New customer" });
  await dialog.getByLabel("Name").fill("Almost Ltd");
  await page.keyboard.press("Escape");
  await expect(dialog).toBeHidden();
  // What is kept there holds up nothing that others do.
  await change(tom, path, { city: "Bath" });
  await expect(row(page, "Seen Behind It Ltd")).toContainText("Bath");
  await button.click();
  await expect(dialog.getByLabel("Name")).toHaveValue("Almost Ltd");
  await dialog.getByRole("link", { name: "Cancel" }).click();
  await expect(dialog).toBeHidden();
  await button.click();
  await expect(dialog.getByLabel("Name")).toHaveValue("");
});

test("a condition that was removed does not come back with the next one", async ({ page }) => {
  await open(page, "/customers?kind=company");
  const form = page.getByRole("group", { name: "Filter" });
  await page.getByRole("button", { name: "Filter" }).click();
  await form.getByLabel("City").fill("London");
  await form.getByRole("button", { name: "Show" }).click();
  await page.getByRole("link", { name: "Remove “City is London”" }).click();
  await expect(page).not.toHaveURL(/London/);
  await page.getByRole("button", { name: "Filter" }).click();
  await expect(form.getByLabel("City")).toHaveValue("");
  await form.getByLabel("Stage").selectOption({ index: 1 });
  await form.getByRole("button", { name: "Show" }).click();
  await expect(page).toHaveURL(/stage/);
  await expect(page).not.toHaveURL(/London/);
});

test("after a tag is renamed no other one stands open in its place", async ({ page, customer }) => {
  await customer({ name: "Tagged Ltd", tags: "aa-first, ab-second" });
  await open(page, "/admin/tags");
  const card = (name: string) => page.locator("details").filter({ hasText: name });
  await card("aa-first").locator("summary").click();
  const form = page.getByRole("form", { name: "Tag aa-first" });
  await form.getByLabel("Name").fill("zz-last");
  await form.getByRole("button", { name: "Rename it everywhere" }).click();
  await expect(card("zz-last")).toBeVisible();
  await expect(page.locator("details[open]")).toHaveCount(0);
});

test("a page that was read long ago is read anew while somebody looks at it", async ({ page, customer }) => {
  const path = await customer({ name: "Aged Ltd", city: "Ely" });
  await page.clock.install();
  await deaf(page);
  await open(page, path);
  await change(tom, path, { city: "Bath" });
  await expect(field(page, "City")).toContainText("Ely");
  await page.clock.fastForward("06:00");
  await page.clock.runFor(5_000);
  await expect(field(page, "City")).toContainText("Bath");
});

test("the focus goes along from one customer beside the list to the next, and back to its row", async ({ page }) => {
  await open(page, "/customers?kind=company");
  await page.getByRole("row").nth(1).getByRole("link").press("Enter");
  const panel = page.getByRole("complementary", { name: "Customer" });
  const heading = panel.getByRole("heading").first();
  const first = await heading.innerText();
  const next = panel.getByRole("link", { name: "The next one" });
  await next.press("Enter");
  await expect(heading).not.toHaveText(first);
  await expect(next).toBeFocused();
  await panel.getByRole("link", { name: "Close" }).press("Enter");
  await expect(panel).toBeHidden();
  await expect(page.getByRole("row").nth(2).getByRole("link")).toBeFocused();
});
