// The test that all specs use: it watches every page, opens pages that are awake, and clears up behind itself.

import { test as base, expect, type Browser, type BrowserContextOptions, type Page } from "@playwright/test";

import { edit, make, messages, trash, type Values } from "./customer";
import { nadia, tom, type Person } from "./people";
import { Problems } from "./problems";

interface Fixtures {
  /** What must not happen, and what this test expects to. */
  problems: Problems;
  /** Another browser, in which this person is signed in. */
  as: (who: Person, options?: BrowserContextOptions) => Promise<Page>;
  /** Two people open a customer made for this test, and the first one changes a field of it. */
  both: (fields: Values, change: [label: string, text: string]) => Promise<{ path: string; other: Page }>;
  /** Makes a customer for this test; it is in the trash afterwards. Gives the path of its page. */
  customer: (fields: Values) => Promise<string>;
}

export const test = base.extend<Fixtures>({
  problems: [
    async ({}, use) => {
      const problems = new Problems();
      await use(problems);
      expect(problems.list, "what the browser complained about").toEqual([]);
    },
    { auto: true },
  ],
  context: async ({ context, problems, javaScriptEnabled }, use) => {
    if (javaScriptEnabled === false) problems.expectNoScript();
    problems.watch(context);
    await use(context);
  },
  as: async ({ browser, problems }, use) => {
    const opened: { close: () => Promise<void> }[] = [];
    await use(async (who, options = {}) => {
      const context = await newContext(browser, { ...options, storageState: who.state });
      problems.watch(context);
      opened.push(context);
      return context.newPage();
    });
    for (const context of opened) await context.close();
  },
  both: async ({ page, as, customer }, use) => {
    await use(async (fields, change) => {
      const path = await customer(fields);
      const other = await as(tom);
      await deaf(other);
      await open(page, path);
      await open(other, path);
      await edit(page, ...change);
      await expect(messages(page)).toContainText("Saved.");
      return { path, other };
    });
  },
  customer: async ({ playwright, baseURL }, use) => {
    const api = await playwright.request.newContext({ baseURL, storageState: nadia.state });
    const made: string[] = [];
    await use(async (fields) => {
      const path = await make(api, fields);
      made.push(path);
      return path;
    });
    for (const path of made) await trash(api, path);
    await api.dispose();
  },
});

async function newContext(browser: Browser, options: BrowserContextOptions) {
  const { baseURL, viewport, locale, timezoneId } = test.info().project.use;
  return browser.newContext({ baseURL, viewport, locale, timezoneId, ...options });
}

/** Opens a page and waits until its program runs: before that it only does what works without script. */
export async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await awake(page);
}

/** The page's program runs. */
export async function awake(page: Page): Promise<void> {
  await page.locator("html[data-awake]").waitFor({ state: "attached" });
}

/** The page hears what others do. */
export async function hears(page: Page): Promise<void> {
  await page.locator("html[data-hears]").waitFor({ state: "attached" });
}

/** The page never hears what others do, as one that is not reached at that moment. */
export async function deaf(page: Page): Promise<void> {
  await page.route("**/live*", (route) => route.fulfill({ status: 204 }));
}

/** Nothing is fetched any more. The stream of news never ends, so the browser's own idea of that never comes true. */
export async function quiet(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const fetched = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
    return performance.now() - Math.max(0, ...fetched.map((one) => one.responseEnd)) > 500;
  });
}

export { expect };
