// Customers as tests make and find them.

import { expect, request, type APIRequestContext, type APIResponse, type Locator, type Page } from "@playwright/test";
import { randomBytes } from "node:crypto";

import type { Person } from "./people";
import { server } from "./server";

export type Values = Record<string, string>;

/** A new id, sorted by time (UUIDv7, RFC 9562). */
export function newId(): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Posts a form as a browser without script does, and stays where it is. */
export function post(api: APIRequestContext, path: string, form: Values = {}) {
  return api.post(path, { form, headers: { Origin: server.url }, maxRedirects: 0 });
}

/** Makes a customer. Gives the path of its page. */
export async function make(api: APIRequestContext, fields: Values): Promise<string> {
  const id = newId();
  const answer = await post(api, "/customers/new", { id, kind: "company", stage: "lead", ...fields });
  expect(answer.status(), await answer.text()).toBe(303);
  return `/customers/${id}`;
}

/** Moves a customer to the trash, wherever the test left it. */
export async function trash(api: APIRequestContext, path: string): Promise<void> {
  const answer = await post(api, `${path}/trash`);
  expect([303, 404, 409, 422]).toContain(answer.status());
}

/** Somebody does something elsewhere, in a browser of their own. */
async function elsewhere(who: Person, act: (api: APIRequestContext) => Promise<APIResponse>): Promise<void> {
  const api = await request.newContext({ baseURL: server.url, storageState: who.state });
  const answer = await act(api);
  expect(answer.status(), await answer.text()).toBe(303);
  await api.dispose();
}

/** Somebody changes a customer elsewhere, having seen its latest state. */
export async function change(who: Person, path: string, fields: Values): Promise<void> {
  await elsewhere(who, async (api) => {
    const form = await (await api.get(`${path}/edit`)).text();
    const version = /<input[^>]*name="version"[^>]*value="(\d+)"/.exec(form)?.[1] ?? "";
    return post(api, `${path}/edit`, { version, ...fields });
  });
}

/** Somebody writes a note elsewhere. */
export async function note(who: Person, path: string, body: string): Promise<void> {
  await elsewhere(who, (api) => post(api, `${path}/notes`, { id: newId(), body }));
}

/** Somebody changes the latest note of a customer elsewhere, having seen how it stands. */
export async function changeNote(who: Person, path: string, body: string): Promise<void> {
  await elsewhere(who, async (api) => {
    const page = await (await api.get(path)).text();
    const id = /\?note=([0-9a-f-]{36})/.exec(page)?.[1] ?? "";
    const editor = await (await api.get(`${path}?note=${id}`)).text();
    const form = editor.slice(editor.indexOf(`action="/notes/${id}/edit"`));
    const version = /<input[^>]*name="version"[^>]*value="(\d+)"/.exec(form)?.[1] ?? "";
    return post(api, `/notes/${id}/edit`, { version, body });
  });
}

/** The table's row of a customer. */
export function row(page: Page, name: string): Locator {
  return page.getByRole("row").filter({ has: page.getByRole("link", { name, exact: true }) });
}

/** Where a field stands on a customer's page: what is shown of it, and what went wrong with it. */
export function field(page: Page, label: string): Locator {
  const term = page.getByRole("term").filter({ hasText: new RegExp(`^${label}$`) });
  return page.getByRole("definition").and(term.locator("xpath=following-sibling::dd[1]"));
}

/** Opens a field's editor and types into it. */
export async function type(page: Page, label: string, text: string): Promise<Locator> {
  const place = field(page, label);
  await place
    .getByRole("link", { name: `Edit ${label.toLowerCase()}` })
    .or(place.getByTitle(/^Edit /))
    .first()
    .click();
  const editor = place.getByRole("textbox", { name: label });
  await editor.fill(text);
  return editor;
}

/** Changes a field in place. */
export async function edit(page: Page, label: string, text: string): Promise<void> {
  await (await type(page, label, text)).press("Enter");
}

/** Changes a field in place that is picked from a list. */
export async function pick(page: Page, label: string, text: string): Promise<void> {
  const place = field(page, label);
  await place.getByTitle(`Edit ${label.toLowerCase()}`).click();
  await place.getByRole("combobox", { name: label }).selectOption(text);
}

/** The messages of the page. */
export function messages(page: Page): Locator {
  return page.getByRole("region", { name: "Messages" });
}

/** What happened to a customer, newest first. */
export function timeline(page: Page): Locator {
  return page.getByRole("list", { name: "Timeline" }).getByRole("listitem");
}

/** The note in the timeline that holds this text. */
export function noteOf(page: Page, text: string): Locator {
  return timeline(page).filter({ hasText: text });
}

/** Opens the editor of a note and types into it. */
export async function typeNote(page: Page, was: string, text: string): Promise<Locator> {
  await noteOf(page, was).first().getByRole("link", { name: "Edit" }).click();
  const editor = page.getByRole("textbox", { name: "Text of the note" });
  await editor.fill(text);
  return editor;
}
