// Every page and its main states against WCAG 2.2 AA as far as a machine can tell, in all looks.

import AxeBuilder from "@axe-core/playwright";

import { LOOKS, showState, STATES, WHOLE } from "./support/states";
import { expect, test } from "./support/test";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

for (const state of STATES) {
  test(`${state.name}: nothing keeps anybody out, light and dark, wide and narrow`, async ({
    page,
    context,
    customer,
    problems,
  }) => {
    test.slow();
    const cookies = await context.cookies();
    const path = await customer(WHOLE);
    for (const look of LOOKS) {
      await context.addCookies(cookies);
      await showState(page, state, look, path, problems);
      const found = await new AxeBuilder({ page }).withTags(RULES).analyze();
      const said = found.violations.map(
        (rule) => `${rule.id}: ${rule.nodes.map((node) => `${node.target} ${node.failureSummary}`).join("; ")}`,
      );
      expect.soft(said, `${look.colorScheme}, ${look.width} px`).toEqual([]);
      const wide = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect.soft(wide, `pixels too wide, ${look.width} px`).toBeLessThanOrEqual(0);
    }
  });
}
