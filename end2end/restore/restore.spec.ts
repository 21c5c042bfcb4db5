// What came back from a backup in a PostgreSQL that has never seen it is what it was, and goes on.

import { edit, field, messages, timeline } from "../tests/support/customer";
import { isIn, NOBODY, signIn } from "../tests/support/people";
import { rapport } from "../tests/support/server";
import { expect, hears, open, test } from "../tests/support/test";

// Of the demo data, as the program prints it when it loads them.
const ADMIN = { email: "admin@demo.example", password: "demo-demo-demo-42" };

test("who could sign in can; what one does there the other sees, and it is undone for both", async ({
  page: one,
  as,
}) => {
  const other = await as({ ...ADMIN, name: "Admin", state: NOBODY });
  for (const page of [one, other]) {
    await open(page, "/sign-in");
    await signIn(page, ADMIN);
    await isIn(page);
  }
  await open(one, "/customers");
  const first = one.getByRole("table").getByRole("row").nth(1).getByRole("link").first();
  const path = await first.getAttribute("href");
  for (const page of [one, other]) {
    await open(page, path ?? "");
    await hears(page);
  }
  const before = (await field(one, "City").textContent()) ?? "";
  await edit(one, "City", "Nærøy");
  await expect(field(other, "City")).toHaveText("Nærøy");
  await expect(timeline(other).first()).toContainText("Nærøy");
  await messages(one).getByRole("button", { name: "Undo" }).click();
  await expect(field(other, "City")).toHaveText(before);
});

test("the journal holds, with what was done before and since", () => {
  const verified = rapport(["audit", "verify"]);
  expect(verified.status, verified.output).toBe(0);
  expect(verified.output).toMatch(/[1-9]\d* commands/);
});
