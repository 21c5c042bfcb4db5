// Users as tests ask them in and find them.

import { type APIRequestContext, expect, request } from "@playwright/test";

import { acting } from "./appointment";
import { newId, post, type Values } from "./customer";
import { nadia, NOBODY } from "./people";
import { server } from "./server";

/** The page of a user, found by their address. */
export async function pageOf(email: string): Promise<string> {
  const { people } = await acting(nadia, async (api) => (await api.get("/api/fn/user/people")).json());
  const found = (people as { id: string; email: string }[]).find((person) => person.email === email);
  return `/admin/users/${found?.id}`;
}

/** The path of the link in the newest mail to an address. */
export async function linkFor(email: string): Promise<string> {
  const { mails } = await acting(nadia, async (api) => (await api.get("/api/fn/user/outbox")).json());
  const mail = (mails as { to: string; body: string | null }[]).find((mail) => mail.to === email);
  const link = /https?:\/\/\S+/.exec(mail?.body ?? "")?.[0] ?? "";
  return new URL(link).pathname;
}

/** Asks somebody in. */
export async function ask(email: string): Promise<void> {
  await acting(nadia, async (api) => {
    const answer = await post(api, "/admin/users", { id: newId(), email, role: "member", team: "" });
    expect(answer.status(), await answer.text()).toBe(303);
  });
}

/** A new user, who came in by an invitation and is signed in. */
export async function entered(email: string, name: string): Promise<APIRequestContext> {
  await ask(email);
  const token = (await linkFor(email)).split("/").pop() ?? "";
  const form: Values = { token, name, password: PASSWORD };
  // In a browser of their own: whoever comes in leaves what the browser was signed in to before.
  const api = await request.newContext({ baseURL: server.url, storageState: NOBODY });
  const answer = await post(api, "/join", form);
  expect(answer.status(), await answer.text()).toBe(303);
  return api;
}

/** The same, who is gone again. Gives the path of their page. */
export async function joined(email: string, name: string): Promise<string> {
  await (await entered(email, name)).dispose();
  return pageOf(email);
}

/** The password of all of them. */
export const PASSWORD = "nine slow otters under 4 bridges";

/** An address of its own for each test. */
export function address(name: string): string {
  return `${name}.${newId().slice(-8)}@northwind.example`;
}
