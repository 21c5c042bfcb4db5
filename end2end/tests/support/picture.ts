// Pictures of pages, for people to look at.

import type { Page } from "@playwright/test";
import { join } from "node:path";

import { ROOT } from "./server";
import type { Look } from "./states";

/** Takes a picture of the page as it is, under the name of its state. */
export async function picture(page: Page, state: string, look: Look): Promise<void> {
  const name = `${state.replace(/\W+/g, "-")}-${look.width}-${look.colorScheme}.png`;
  await page.screenshot({ path: join(ROOT, "end2end", "screenshots", name) });
}
