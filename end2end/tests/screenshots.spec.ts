// Pictures of every page and its main states, for people to look at; two of them are the README's.

import { mkdirSync } from "node:fs";
import { join } from "node:path";

import type { Page } from "@playwright/test";

import { change, note, row } from "./support/customer";
import { lars, nadia, tom, type Person } from "./support/people";
import { picture } from "./support/picture";
import { ROOT } from "./support/server";
import { looksOf, showState, STATES, WHOLE } from "./support/states";
import { expect, open, test } from "./support/test";

for (const state of STATES) {
  test(`a picture of: ${state.name}`, async ({ page, context, customer, problems }) => {
    test.slow();
    const cookies = await context.cookies();
    const path = await customer(WHOLE);
    await change(nadia, path, { stage: "customer", city: "Kiel" });
    await note(nadia, path, "Wants the cloudberry jam in 2 kg pails; price list sent.\nDecides before Lucia.");
    await change(tom, path, { phones: "+49 40 7654321" });
    for (const look of looksOf(state)) {
      await context.addCookies(cookies);
      await showState(page, state, look, path, problems);
      await picture(page, state.name, look);
    }
  });
}

/** Gives a team's customers stages, owners, notes, and takes the pictures of the README of them. */
async function takeReadmePictures(page: Page): Promise<void> {
  test.slow();
  const images = join(ROOT, "docs", "images");
  mkdirSync(images, { recursive: true });
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  await open(page, "/customers/new");
  const owner = (who: Person) =>
    page.getByLabel("Owner").getByRole("option", { name: who.name, includeHidden: true }).getAttribute("value");
  const owners = [await owner(nadia), await owner(tom), await owner(lars)].map(String);
  await open(page, "/customers?kind=company");
  const links = page.getByRole("rowgroup").nth(1).getByRole("link");
  const paths = await links.evaluateAll((all) => all.slice(0, 22).map((link) => link.getAttribute("href") ?? ""));
  const stages = ["customer", "prospect", "customer", "lead", "customer", "former", "prospect", "lead"];
  for (const [place, path] of paths.entries()) {
    const fields = { stage: stages[place % stages.length], owner_id: owners[(place * 2) % owners.length] };
    await change(place % 3 ? nadia : tom, path, fields);
  }
  const path = (await row(page, "Berglunds snabbköp").getByRole("link").getAttribute("href")) ?? "";
  await change(tom, path, { stage: "prospect", tags: "wholesale, nordics" });
  await note(
    tom,
    path,
    "Wants the cloudberry jam in 2 kg pails; price list sent. Decides before Lucia, so call on the 10th at the latest.",
  );
  await change(nadia, path, { stage: "customer", emails: "hej@berglunds.example" });

  await open(page, "/customers?kind=company");
  await row(page, "Berglunds snabbköp").getByRole("link").click();
  await expect(page.getByRole("complementary", { name: "Customer" }).getByText("Timeline")).toBeVisible();
  await page.mouse.move(0, 0);
  await page.screenshot({ path: join(images, "list.png") });
  await open(page, path);
  await page.screenshot({ path: join(images, "record.png") });
}

// It changes what the other journeys stand on, so it is there only when it is asked for.
if (process.env.UPDATE_IMAGES === "1") {
  test("the pictures of the README show a team at work", async ({ page }) => takeReadmePictures(page));
}
