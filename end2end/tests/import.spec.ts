// A team brings its customers in from a file, and takes them back.

import { readFileSync } from "node:fs";

import type { Page } from "@playwright/test";

import { keepsNobodyOut } from "./support/accessible";
import { messages } from "./support/customer";
import { BACKGROUND, choose, throwAway } from "./support/import";
import { aiko } from "./support/people";
import { picture } from "./support/picture";
import { dress, LOOKS } from "./support/states";
import { expect, open, test } from "./support/test";

/** Looks at the page in every width and colour. */
async function lookAt(page: Page, name: string): Promise<void> {
  for (const look of LOOKS) {
    await dress(page, look);
    await keepsNobodyOut(page, look);
    await picture(page, name, look);
  }
  await dress(page, LOOKS[0]);
}

/** A row to mend whose address had a comma: what that parted belongs together. */
function joined(row: string, place: number): string {
  const [line, id, company, contact, title, street, rest, ...others] = row.split(",");
  if (place === 0 || rest === undefined) return row;
  const bare = (value: string) => value.replaceAll('"', "");
  return [line, id, company, contact, title, `"${bare(street)},${bare(rest)}"`, ...others].join(",");
}

test("a real file is mapped, checked, brought in, mended, found again and taken back", async ({ page, problems }) => {
  test.slow();
  await choose(page, "spring-fair.csv");
  await expect(page.getByLabel("What companyName becomes")).toHaveValue("company.name");
  await expect(page.getByLabel("What contactName becomes")).toHaveValue("person.name");
  const first = page.getByRole("listitem").filter({ hasText: "Alfreds Futterkiste" });
  await expect(first).toContainText("Maria Anders");
  // What a column becomes is seen at once.
  await page.getByLabel("What city becomes").selectOption("ignore");
  await expect(first).not.toContainText("Berlin");
  await page.getByLabel("What city becomes").selectOption("company.city");
  await expect(first).toContainText("Berlin");

  await page.getByRole("button", { name: "Check what it would do" }).click();
  const forecast = page.getByRole("region", { name: "What it would do" });
  await expect(forecast.getByRole("row", { name: /^Made 67 67 companies, 67 people/ })).toBeVisible(BACKGROUND);
  await expect(forecast.getByRole("row", { name: /^Not taken 24/ })).toBeVisible();
  await lookAt(page, "import, checked");

  // What was checked is not what would happen now.
  await page.getByLabel("What city becomes").selectOption("ignore");
  await expect(forecast).toBeHidden();
  await expect(page.getByText("The mapping has changed since the check.")).toBeVisible();
  await page.getByLabel("What city becomes").selectOption("company.city");
  await page.getByRole("button", { name: "Check what it would do" }).click();
  await expect(forecast.getByRole("row", { name: /^Made 67 67 companies, 67 people/ })).toBeVisible(BACKGROUND);

  await forecast.getByRole("button", { name: "Import 67 rows" }).click();
  const report = page.getByRole("region", { name: "What it did" });
  await expect(report.getByRole("row", { name: /^Made 67 67 companies, 67 people/ })).toBeVisible(BACKGROUND);
  await expect(page.getByRole("heading", { name: "24 rows to mend" })).toBeVisible();
  await lookAt(page, "import, its report");

  // The address had a comma: what followed it stands one column too far.
  const line = page.getByText("Line 8", { exact: true });
  const blondel = page.getByRole("listitem").filter({ has: line });
  await line.click();
  const value = (name: string) => blondel.getByLabel(name, { exact: true });
  await value("address").fill("24, place Kléber");
  for (const [name, text] of Object.entries({
    city: "Strasbourg",
    region: "",
    postalCode: "no code",
    country: "France",
    phone: "88.60.15.31",
    fax: "88.60.15.32",
  })) {
    await value(name).fill(text);
  }
  await value("customerID").fill("");
  problems.expectStatus(404, 422);
  await blondel.getByRole("button", { name: "Take this row" }).click();
  await expect(blondel.getByText(/“customerID” has no value/).last()).toBeVisible();
  await expect(value("city")).toHaveValue("Strasbourg");
  await value("customerID").fill("BLONP");
  await value("companyName").fill("Blondel père et fils");
  await blondel.getByRole("button", { name: "Take this row" }).click();
  await expect(page.getByRole("heading", { name: "23 rows to mend" })).toBeVisible();
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download as CSV" }).click();
  expect((await download).suggestedFilename()).toBe("rows-to-mend.csv");
  const rows = readFileSync(await (await download).path(), "utf8");
  const buffer = Buffer.from(rows.split("\n").map(joined).join("\n"));
  const mended = { name: "rows-to-mend.csv", mimeType: "text/csv", buffer };
  await page.getByLabel("Upload mended rows").setInputFiles(mended);
  await expect(messages(page)).toContainText("23 rows are in.");
  await expect(page.getByRole("heading", { name: /rows to mend/ })).toHaveCount(0);
  await expect(report.getByRole("row", { name: /^Made 91 91 companies, 91 people/ })).toBeVisible(BACKGROUND);

  const path = new URL(page.url()).pathname;
  await choose(page, "spring-fair.csv");
  await page.getByRole("button", { name: "Check what it would do" }).click();
  await expect(forecast.getByRole("row", { name: /^Left as they are 67/ })).toBeVisible(BACKGROUND);
  await expect(forecast.getByRole("row", { name: /^Made 0/ })).toBeVisible();
  await throwAway(page);

  await open(page, path);
  await page.getByRole("button", { name: "Revert the whole import" }).click();
  await expect(messages(page)).toContainText("Undone.");
  await expect(page.getByText("Taken back", { exact: true })).toBeVisible();
  await open(page, "/customers?q=blondel+père");
  await expect(page.getByText("No customer fits")).toBeVisible();
});

test("a file is chosen, checked and thrown away by keyboard alone", async ({ page, problems }) => {
  // The page that goes looks once more for what it showed.
  problems.expectStatus(404);
  await choose(page, "autumn.csv");
  const check = page.getByRole("button", { name: "Check what it would do" });
  await check.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Import 67 rows" })).toBeVisible(BACKGROUND);
  await page.getByRole("button", { name: "Throw away" }).press("Enter");
  await expect(page.getByText("Thrown away; nothing was written.")).toBeVisible();
});

test("what is no text file is refused where it was chosen, and nothing is kept", async ({ page, problems }) => {
  problems.expectStatus(422);
  await open(page, "/imports");
  const picture = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");
  await page
    .getByLabel("Choose a file")
    .setInputFiles({ name: "picture.csv", mimeType: "text/csv", buffer: picture });
  await expect(page.getByRole("alert").filter({ hasText: "not a text file" })).toBeVisible();
  await open(page, "/imports");
  await expect(page.getByText("picture.csv")).toHaveCount(0);
});

test("somebody who may not make customers finds no way in", async ({ as, problems }) => {
  problems.expectStatus(403);
  const page = await as(aiko);
  await open(page, "/customers");
  await expect(page.getByRole("link", { name: "Imports" })).toHaveCount(0);
  await open(page, "/imports");
  await expect(page.getByRole("heading", { name: "Not for your role" })).toBeVisible();
  const upload = await page.request.post("/imports/upload?id=01933d3e-0000-7000-8000-000000000001&file=a.csv&size=9", {
    headers: { origin: new URL(page.url()).origin },
  });
  expect(upload.status()).toBe(403);
});
