// Two people at one customer.

import { edit, field, messages, timeline } from "../support/customer";
import { tom } from "../support/people";
import { expect, open, test } from "../support/test";

test("who changes the same field as somebody else sees both values, and keeps theirs", async ({
  page,
  as,
  customer,
  problems,
}) => {
  problems.expectStatus(409);
  const path = await customer({ name: "Uhrmacherei", city: "Basel" });
  const other = await as(tom);
  await open(page, path);
  await open(other, path);

  await edit(page, "City", "Bern");
  await expect(messages(page)).toContainText("Saved.");
  await edit(other, "City", "Biel");
  const dispute = field(other, "City").getByRole("alert");
  await expect(dispute).toContainText("Nadia Kovač changed this in the meantime.");
  await expect(dispute).toContainText(/Theirs\s*Bern/);
  await expect(dispute).toContainText(/Mine\s*Biel/);

  await dispute.getByRole("button", { name: "Keep theirs" }).click();
  await expect(dispute).toBeHidden();
  await other.reload();
  await expect(field(other, "City")).toHaveText("Bern");
});

test("who insists on their value overwrites the other knowingly, and the timeline tells both", async ({
  page,
  as,
  customer,
  problems,
}) => {
  problems.expectStatus(409);
  const path = await customer({ name: "Seilerei", city: "Basel" });
  const other = await as(tom);
  await open(page, path);
  await open(other, path);

  await edit(page, "City", "Bern");
  await expect(messages(page)).toContainText("Saved.");
  await edit(other, "City", "Biel");
  await field(other, "City").getByRole("button", { name: "Use mine" }).click();
  await expect(field(other, "City")).toHaveText("Biel");
  await expect(timeline(other).first()).toContainText("Tom Okafor changed city from Bern to Biel");
  await expect(timeline(other).nth(1)).toContainText("Nadia Kovač changed city from Basel to Bern");
});

test("changes of different fields merge without a question", async ({ page, as, customer }) => {
  const path = await customer({ name: "Glaserei", city: "Basel", street: "Gasse 1" });
  const other = await as(tom);
  await open(page, path);
  await open(other, path);

  await edit(page, "City", "Bern");
  await expect(messages(page)).toContainText("Saved.");
  await edit(other, "Street", "Gasse 2");
  await expect(messages(other)).toContainText("Saved.");
  await expect(field(other, "Street")).toHaveText("Gasse 2");
  await expect(field(other, "City")).toHaveText("Bern");
});

test("in the form of all fields a conflict names only the field in dispute and keeps the rest", async ({
  page,
  as,
  customer,
  problems,
}) => {
  problems.expectStatus(409);
  const path = await customer({ name: "Gerberei", city: "Basel" });
  const other = await as(tom);
  await open(other, `${path}/edit`);
  await open(page, path);
  await edit(page, "City", "Bern");
  await expect(messages(page)).toContainText("Saved.");

  await other.getByLabel("City").fill("Biel");
  await other.getByLabel("Country").fill("Switzerland");
  await other.getByRole("button", { name: "Save changes" }).click();
  await expect(other.getByRole("group", { name: "Which value should stand?" })).toContainText("Bern");
  await other.getByLabel(/Keep what Nadia Kovač wrote/).check();
  await other.getByRole("button", { name: "Save changes" }).click();
  await expect(other.getByRole("heading", { name: "Gerberei", level: 1 })).toBeVisible();
  await expect(field(other, "City")).toHaveText("Bern");
  await expect(field(other, "Country")).toHaveText("Switzerland");
});
