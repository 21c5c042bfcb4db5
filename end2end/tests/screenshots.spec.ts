// Pictures of every page and its main states, for people to look at; two of them are the README's.

import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { change, post, newId, row } from "./support/customer";
import { nadia, tom } from "./support/people";
import { ROOT } from "./support/server";
import { LOOKS, showState, STATES, WHOLE } from "./support/states";
import { open, test } from "./support/test";

const FOLDER = join(ROOT, "end2end", "screenshots");

test.beforeAll(() => mkdirSync(FOLDER, { recursive: true }));

for (const state of STATES) {
  test(`a picture of: ${state.name}`, async ({ page, context, customer, problems }) => {
    test.slow();
    const cookies = await context.cookies();
    const path = await customer(WHOLE);
    await change(nadia, path, { stage: "customer", city: "Kiel" });
    await post(page.request, `${path}/notes`, {
      id: newId(),
      body: "Wants the cloudberry jam in 2 kg pails; price list sent.\nDecides before Lucia.",
    });
    await change(tom, path, { phones: "+49 40 7654321" });
    for (const look of LOOKS) {
      await context.addCookies(cookies);
      await showState(page, state, look, path, problems);
      const name = `${state.name.replace(/\W+/g, "-")}-${look.width}-${look.colorScheme}.png`;
      await page.screenshot({ path: join(FOLDER, name) });
    }
  });
}

test.describe("the pictures of the README", () => {
  // Taken only when asked for: a run of the tests leaves the checkout as it was.
  test.skip(process.env.UPDATE_IMAGES !== "1", "UPDATE_IMAGES=1 takes them anew");
  test.use({ deviceScaleFactor: 1, reducedMotion: "reduce" } as object);

  test("the list and a record, as a team at work sees them", async ({ page }) => {
    const images = join(ROOT, "docs", "images");
    mkdirSync(images, { recursive: true });
    const stages = ["customer", "prospect", "customer", "lead", "customer", "former", "prospect"];
    await open(page, "/customers?kind=company");
    const links = page.getByRole("row").getByRole("link");
    const rows = await links.evaluateAll((all) =>
      all
        .filter((link) => /^\/customers\/[0-9a-f-]{36}$/.test(link.getAttribute("href") ?? ""))
        .map((link) => link.getAttribute("href")!),
    );
    for (const [place, path] of rows.slice(0, 20).entries()) {
      await change(place % 3 ? nadia : tom, path, { stage: stages[place % stages.length] });
    }
    await open(page, "/customers?kind=company");
    const berglunds = await row(page, "Berglunds snabbköp").getByRole("link").getAttribute("href");
    await post(page.request, `${berglunds}/notes`, {
      id: newId(),
      body: "Wants the cloudberry jam in 2 kg pails; price list sent. Decides before Lucia, so call on the 10th at the latest.",
    });
    await change(tom, berglunds!, {
      emails: "c.berglund@berglunds.example",
      tags: "wholesale, nordics",
      stage: "customer",
    });
    await open(page, "/customers?kind=company");
    await row(page, "Berglunds snabbköp").getByRole("link").click();
    await page.getByRole("complementary", { name: "Customer" }).getByText("Timeline").waitFor();
    await page.screenshot({ path: join(images, "list.png") });
    await open(page, berglunds!);
    await page.screenshot({ path: join(images, "record.png") });
  });
});
