// Undo from the toast and from the timeline, and redo.

import { change, edit, field, messages, timeline } from "../support/customer";
import { tom } from "../support/people";
import { expect, open, test } from "../support/test";

test("Undo in the message takes the edit back", async ({ page, customer }) => {
  await open(page, await customer({ name: "Druckerei", city: "Trier" }));
  await edit(page, "City", "Mainz");
  await messages(page).getByRole("button", { name: "Undo" }).click();
  await expect(messages(page)).toContainText("Undone.");
  await expect(field(page, "City")).toHaveText("Trier");
  await page.reload();
  await expect(field(page, "City")).toHaveText("Trier");
});

test("an older change is taken back from the timeline, and done again", async ({ page, customer }) => {
  await open(page, await customer({ name: "Töpferei", city: "Worms", street: "Damm 1" }));
  await edit(page, "City", "Speyer");
  await expect(timeline(page).first()).toContainText("to Speyer");
  await edit(page, "Street", "Damm 2");
  await expect(timeline(page).first()).toContainText("to Damm 2");

  const change = timeline(page).filter({ hasText: "changed city from Worms to Speyer" });
  await change.getByRole("button", { name: "Undo" }).click();
  await expect(field(page, "City")).toHaveText("Worms");
  await expect(field(page, "Street")).toHaveText("Damm 2");
  await expect(change).toContainText("taken back");

  await timeline(page).first().getByRole("button", { name: "Redo" }).click();
  await expect(field(page, "City")).toHaveText("Speyer");
  await page.reload();
  await expect(field(page, "City")).toHaveText("Speyer");
});

test("what a colleague changed since is left as it is and named", async ({ page, customer, problems }) => {
  problems.expectStatus(409);
  const path = await customer({ name: "Weberei", city: "Fulda" });
  await open(page, path);
  await edit(page, "City", "Kassel");
  await expect(messages(page)).toContainText("Saved.");
  await change(tom, path, { city: "Marburg" });

  await messages(page).getByRole("button", { name: "Undo" }).click();
  await expect(messages(page)).toContainText("It was left as it is.");
  await page.reload();
  await expect(field(page, "City")).toHaveText("Marburg");
});
