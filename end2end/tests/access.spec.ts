// Somebody who may only look.

import { field, newId, post } from "./support/customer";
import { aiko } from "./support/people";
import { expect, open, test } from "./support/test";

test.use({ storageState: aiko.state });

test("a read-only person sees customers and is offered nothing that changes them", async ({ page, customer }) => {
  const path = await customer({ name: "Schlosserei", city: "Passau" });
  await open(page, path);
  await expect(field(page, "City")).toHaveText("Passau");
  await expect(page.getByTitle(/^Edit /)).toHaveCount(0);
  await expect(page.getByRole("link", { name: "Edit" })).toHaveCount(0);
  await expect(page.getByRole("textbox", { name: "Note" })).toHaveCount(0);
  await expect(page.getByRole("button", { name: /Undo|Trash|More|Remove/i })).toHaveCount(0);
  await open(page, "/customers");
  await expect(page.getByRole("row").nth(1)).toBeVisible();
  await expect(page.getByRole("link", { name: "New customer" })).toHaveCount(0);
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("option", { name: "Customers" })).toBeVisible();
  await expect(page.getByRole("option", { name: "New customer" })).toHaveCount(0);
});

test("what a read-only person posts by hand is refused, and nothing changes", async ({ page, customer }) => {
  const path = await customer({ name: "Schmiede", city: "Passau" });
  const posts = [
    post(page.request, "/customers/new", { id: newId(), kind: "company", stage: "lead", name: "Smuggled" }),
    post(page.request, `${path}/edit`, { version: "1", city: "Linz" }),
    post(page.request, `${path}/trash`),
    post(page.request, `${path}/notes`, { id: newId(), body: "Smuggled" }),
  ];
  for (const answer of await Promise.all(posts)) expect(answer.status(), answer.url()).toBe(403);
  await open(page, path);
  await expect(field(page, "City")).toHaveText("Passau");
  await expect(page.getByText("Smuggled")).toHaveCount(0);
});

test("the pages of forms say that they are not for this role", async ({ page, problems, customer }) => {
  problems.expectStatus(403);
  const path = await customer({ name: "Sattlerei" });
  for (const form of ["/customers/new", `${path}/edit`]) {
    await page.goto(form);
    await expect(page.getByText("Not for your role"), form).toBeVisible();
  }
});

test("a post from another site is refused", async ({ page, customer }) => {
  const path = await customer({ name: "Wagnerei" });
  for (const origin of ["https://evil.example", "null"]) {
    const answer = await page.request.post(`${path}/trash`, { form: {}, headers: { Origin: origin }, maxRedirects: 0 });
    expect(answer.status(), origin).toBe(403);
  }
});
