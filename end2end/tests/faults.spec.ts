// The connection goes away while somebody works.

import { edit, field, messages } from "./support/customer";
import { expect, open, test } from "./support/test";

test("an edit made without a connection stays on the page, says so, and is saved when sent again", async ({
  page,
  context,
  customer,
  problems,
}) => {
  problems.expectOffline();
  await open(page, await customer({ name: "Leuchtturm", city: "Husum" }));
  await context.setOffline(true);
  await expect(page.getByText("No connection.")).toBeVisible();
  await edit(page, "City", "Tönning");
  const city = field(page, "City");
  const again = city.getByRole("button", { name: "Edit again" });
  await expect(again).toBeVisible();
  await context.setOffline(false);
  await expect(page.getByText("No connection.")).toBeHidden();
  await again.click();
  await expect(city.getByRole("textbox")).toHaveValue("Tönning");
  await city.getByRole("textbox").press("Enter");
  await expect(messages(page)).toContainText("Saved.");
  await page.reload();
  await expect(city).toHaveText("Tönning");
});

test("a note written without a connection stays in its field and is saved when sent again", async ({
  page,
  context,
  customer,
  problems,
}) => {
  problems.expectOffline();
  await open(page, await customer({ name: "Fähre" }));
  await context.setOffline(true);
  const note = page.getByRole("textbox", { name: "Note" });
  await note.fill("Sails at nine.");
  await note.press("Control+Enter");
  await expect(page.getByRole("form", { name: "Write a note" }).getByRole("alert")).toBeVisible();
  await expect(note).toHaveValue("Sails at nine.");
  await context.setOffline(false);
  await note.press("Control+Enter");
  await expect(messages(page)).toContainText("Note added.");
});

test("when the server is out of reach for a moment, an edit says so in plain words and can be sent again", async ({
  page,
  customer,
  problems,
}) => {
  problems.expectStatus(503);
  await open(page, await customer({ name: "Schleuse", city: "Brunsbüttel" }));
  await page.route(
    "**/api/fn/form/submit",
    (route) => route.fulfill({ status: 503, contentType: "text/plain", body: "" }),
    { times: 1 },
  );
  await edit(page, "City", "Cuxhaven");
  const city = field(page, "City");
  await city.getByRole("button", { name: "Edit again" }).click();
  await city.getByRole("textbox", { name: "City" }).press("Enter");
  await expect(messages(page)).toContainText("Saved.");
  await expect(city).toHaveText("Cuxhaven");
});
