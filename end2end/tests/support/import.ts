// A real export on its way in: 91 rows, 24 of them with a comma too many.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, type Page } from "@playwright/test";

import { ROOT } from "./server";
import { open } from "./test";

/** How long what the server does in the background may take: a step that fails is tried again after some seconds. */
export const BACKGROUND = { timeout: 20_000 };

/** The export under another name, which is another source. */
export function exported(name: string) {
  const buffer = readFileSync(join(ROOT, "domain", "tests", "data", "northwind-customers.csv"));
  return { name, mimeType: "text/csv", buffer };
}

/** Chooses the file and waits for its mapping. */
export async function choose(page: Page, name: string): Promise<void> {
  await open(page, "/imports");
  await page.getByLabel("Choose a file").setInputFiles(exported(name));
  await expect(page.getByRole("heading", { name, level: 1 })).toBeVisible();
  await expect(page.getByRole("button", { name: "Check what it would do" })).toBeVisible();
}

/** Throws the file away that the page shows. */
export async function throwAway(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Throw away" }).click();
  await expect(page.getByText("Thrown away; nothing was written.")).toBeVisible();
}
