// Two people at one customer.

import { change, changeNote, edit, field, messages, note, noteOf, pick, timeline, typeNote } from "../support/customer";
import { nadia, tom } from "../support/people";
import { deaf, expect, open, test } from "../support/test";

test("who changes the same field as somebody else sees both values, and keeps theirs", async ({ both, problems }) => {
  problems.expectStatus(409);
  const { other } = await both({ name: "Uhrmacherei", city: "Basel" }, ["City", "Bern"]);
  await edit(other, "City", "Biel");
  const dispute = field(other, "City").getByRole("alert");
  await expect(dispute).toContainText("Nadia Kovač changed this in the meantime.");
  await expect(dispute).toContainText(/Theirs\s*Bern/);
  await expect(dispute).toContainText(/Mine\s*Biel/);

  // What stands is shown beside the question already, and told.
  await expect(field(other, "City").getByRole("link", { name: "Edit city: Bern" })).toBeVisible();
  await expect(timeline(other).first()).toContainText("changed city from Basel to Bern");

  await dispute.getByRole("button", { name: "Keep theirs" }).click();
  await expect(dispute).toBeHidden();
  await expect(field(other, "City")).toHaveText("Bern");
});

for (const [label, was, theirs, mine] of [
  ["Stage", "lead", "Customer", "Prospect"],
  ["Owner", "", "Nadia Kovač", "Tom Okafor"],
] as const) {
  test(`who picks another ${label.toLowerCase()} than somebody else sees both by their words`, async ({
    as,
    customer,
    page,
    problems,
  }) => {
    problems.expectStatus(409);
    const path = await customer({ name: "Kürschnerei", [label === "Stage" ? "stage" : "owner_id"]: was });
    const other = await as(tom);
    await deaf(other);
    await open(page, path);
    await open(other, path);
    await pick(page, label, theirs);
    await expect(messages(page)).toContainText("Saved.");
    await pick(other, label, mine);

    const dispute = field(other, label).getByRole("alert");
    await expect(dispute).toContainText("Nadia Kovač changed this in the meantime.");
    await expect(dispute).toContainText(new RegExp(`Theirs\\s*${theirs}`));
    await expect(dispute).toContainText(new RegExp(`Mine\\s*${mine}`));
    await dispute.getByRole("button", { name: "Use mine" }).click();
    await expect(dispute).toBeHidden();
    await expect(field(other, label)).toContainText(mine);
  });
}

test("who insists on their value overwrites the other knowingly, and the timeline tells both", async ({
  both,
  problems,
}) => {
  problems.expectStatus(409);
  const { other } = await both({ name: "Seilerei", city: "Basel" }, ["City", "Bern"]);
  await edit(other, "City", "Biel");
  await field(other, "City").getByRole("button", { name: "Use mine" }).click();
  await expect(field(other, "City")).toHaveText("Biel");
  await expect(timeline(other).first()).toContainText("Tom Okafor changed city from Bern to Biel");
  await expect(timeline(other).nth(1)).toContainText("Nadia Kovač changed city from Basel to Bern");
});

test("changes of different fields merge without a question", async ({ both }) => {
  const { other } = await both({ name: "Glaserei", city: "Basel", street: "Gasse 1" }, ["City", "Bern"]);
  await edit(other, "Street", "Gasse 2");
  await expect(messages(other)).toContainText("Saved.");
  await expect(field(other, "Street")).toHaveText("Gasse 2");
  await expect(field(other, "City")).toHaveText("Bern");
});

test("in the form of all fields a conflict names only the field in dispute and keeps the rest", async ({
  as,
  customer,
  problems,
}) => {
  problems.expectStatus(409);
  const path = await customer({ name: "Gerberei", city: "Basel" });
  const other = await as(tom);
  await open(other, `${path}/edit`);
  await change(nadia, path, { city: "Bern" });

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

test("who changes a note that somebody else changed sees both texts and settles it in place", async ({
  as,
  customer,
  problems,
}) => {
  problems.expectStatus(409);
  const path = await customer({ name: "Druckerei" });
  await note(nadia, path, "Ten reams.");
  const other = await as(tom);
  for (const [pick, stands] of [
    [/Keep what Nadia Kovač wrote: Eleven reams/, "Eleven reams."],
    [/Use mine/, "Twelve reams."],
  ] as const) {
    await open(other, path);
    const editor = await typeNote(other, "reams.", "Twelve reams.");
    await changeNote(nadia, path, "Eleven reams.");
    await editor.press("Control+Enter");
    await other.getByRole("radio", { name: pick }).check();
    await expect(editor).toHaveValue("Twelve reams.");
    await editor.press("Control+Enter");
    await expect(editor).toBeHidden();
    await expect(noteOf(other, stands)).toHaveCount(1);
    await changeNote(nadia, path, "Ten reams.");
  }
});
