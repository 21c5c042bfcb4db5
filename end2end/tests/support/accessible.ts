// What a machine can tell of WCAG 2.2 AA.

import AxeBuilder from "@axe-core/playwright";
import { expect, type Page } from "@playwright/test";

import type { Look } from "./states";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

/** Nothing on the page keeps anybody out, and nothing is wider than it. */
export async function keepsNobodyOut(page: Page, look: Look): Promise<void> {
  const found = await new AxeBuilder({ page }).withTags(RULES).analyze();
  const said = found.violations.map(
    (rule) => `${rule.id}: ${rule.nodes.map((node) => `${node.target} ${node.failureSummary}`).join("; ")}`,
  );
  expect.soft(said, `${look.colorScheme}, ${look.width} px`).toEqual([]);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect.soft(wide, `pixels too wide, ${look.width} px`).toBeLessThanOrEqual(0);
}
