// Programs that act by a key.

import { expect } from "@playwright/test";

import { acting } from "./appointment";
import { newId, post } from "./customer";
import { type Person, nadia } from "./people";

/** A program has an account of its own, unless there is one of that name. */
export async function newProgram(name: string): Promise<void> {
  await acting(nadia, async (api) => {
    const all = (await (await api.get("/api/fn/settings/all-keys")).json()) as { programs: { name: string }[] };
    if (all.programs.some((program) => program.name === name)) return;
    const fields = { id: newId(), name, role: "member", team: "", access: "write", days: "365" };
    const answer = await post(api, "/admin/keys", fields);
    expect(answer.status(), await answer.text()).toBe(303);
  });
}

/** A webhook that leads nowhere, with a message that did not arrive. Gives the path of its page. */
export async function newWebhook(name: string): Promise<string> {
  return acting(nadia, async (api) => {
    const all = async () => (await (await api.get("/api/fn/webhooks/all")).json()) as { id: string; name: string }[];
    const found = (await all()).find((webhook) => webhook.name === name);
    if (found) return `/admin/webhooks/${found.id}`;
    const fields = { id: newId(), name, url: "https://shop.invalid/rapport", events: "customer.created" };
    const answer = await post(api, "/admin/webhooks", fields);
    expect(answer.status(), await answer.text()).toBe(303);
    const path = `/admin/webhooks/${fields.id}`;
    await post(api, `${path}/ping`);
    const tried = async () => {
      const query = new URLSearchParams({ id: fields.id });
      const page = (await (await api.get(`/api/fn/webhooks/one?${query}`)).json()) as { log: { attempts: number }[] };
      return page.log[0]?.attempts ?? 0;
    };
    await expect.poll(tried, { timeout: 15_000 }).toBeGreaterThan(0);
    return path;
  });
}

/** Somebody makes a key, unless they have one of that name. Gives the key itself while it can be seen. */
export async function newKey(who: Person, name: string): Promise<string | undefined> {
  return acting(who, async (api) => {
    const keys = async () => (await (await api.get("/api/fn/settings/keys")).json()) as { name: string; secret?: string }[];
    const found = (await keys()).find((key) => key.name === name);
    if (found) return found.secret;
    const answer = await post(api, "/settings/keys", { id: newId(), name, access: "write", days: "30" });
    expect(answer.status(), await answer.text()).toBe(303);
    return (await keys()).find((key) => key.name === name)?.secret;
  });
}
