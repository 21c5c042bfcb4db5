// Every page and its main states against WCAG 2.2 AA as far as a machine can tell, in all looks.

import { keepsNobodyOut } from "./support/accessible";
import { looksOf, showState, STATES, WHOLE } from "./support/states";
import { test } from "./support/test";

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
    for (const look of looksOf(state)) {
      await context.addCookies(cookies);
      await showState(page, state, look, path, problems);
      await keepsNobodyOut(page, look);
    }
  });
}
