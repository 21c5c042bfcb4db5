// The pages and their main states, as accessibility and screenshots go through them.

import { expect, type Page } from "@playwright/test";
import { readFileSync } from "node:fs";

import { change, changeNote, edit, field, note, row, trash, typeNote } from "./customer";
import { acting, busyDay } from "./appointment";
import { choose } from "./import";
import { guarded } from "./factor";
import { aiko, nadia, signIn, tom, type Person } from "./people";
import type { Problems } from "./problems";
import { newKey, newProgram, newWebhook } from "./program";
import { address, ask, linkFor, pageOf, PASSWORD } from "./staff";
import { awake, deaf, open } from "./test";

export interface State {
  name: string;
  /** Brings the page into the state. `path` is the page of a customer made for it. */
  show: (page: Page, path: string) => Promise<void>;
  /** Who looks: nobody, or somebody else than the admin. */
  signedOut?: boolean;
  who?: Person;
  /** Only there at phone width. */
  narrow?: boolean;
  /** The connection is cut. */
  offline?: boolean;
  /** Statuses that belong to the state. */
  statuses?: number[];
}

const openPage = (path: string) => async (page: Page) => open(page, path);

/** At phone width the sidebar is a drawer. */
async function openDrawer(page: Page): Promise<void> {
  const menu = page.getByRole("button", { name: "Menu" });
  if (await menu.isVisible()) await menu.click();
  await expect(page.getByRole("button", { name: nadia.name })).toBeVisible();
}

/** The calendar of the day on which two people have something. */
function openCalendar(view: string) {
  return async (page: Page): Promise<void> => {
    const { day, staff } = await busyDay();
    await open(page, `/appointments?view=${view}&day=${day}&staff=${staff.join(",")}`);
    await expect(page.getByText("Cloudberry tasting").first()).toBeVisible();
  };
}

/** Somebody who was asked to join and has not yet: asked once, and found again. Gives the path of the link. */
async function asked(): Promise<string> {
  const email = "sofia.lindgren@northwind.example";
  const { invitations } = await acting(nadia, async (api) => (await api.get("/api/fn/user/people")).json());
  if (!(invitations as { email: string }[]).some((invitation) => invitation.email === email)) await ask(email);
  return linkFor(email);
}

/** Signs somebody in who has a second factor, up to its code. */
async function upToCode(page: Page): Promise<void> {
  const email = address("olga");
  await guarded(email, "Olga Lindqvist");
  await open(page, "/sign-in");
  await signIn(page, { email, password: PASSWORD });
  await expect(page.getByLabel("Code", { exact: true })).toBeVisible();
}

async function openDialog(page: Page): Promise<void> {
  await open(page, "/customers?kind=company");
  await page.getByRole("link", { name: "New" }).first().click();
  await expect(page.getByRole("dialog").getByLabel("Name")).toBeFocused();
}

export const STATES: State[] = [
  { name: "sign-in", signedOut: true, show: openPage("/sign-in") },
  {
    name: "sign-in, refused",
    signedOut: true,
    statuses: [422],
    show: async (page) => {
      await open(page, "/sign-in");
      await page.getByRole("button", { name: "Sign in" }).click();
      await expect(page.getByText("Please give your password.")).toBeVisible();
    },
  },
  { name: "list", show: openPage("/customers?kind=company") },
  { name: "list with conditions", show: openPage("/customers?city=London&stage=lead&kind=company") },
  { name: "list, nothing found", show: openPage("/customers?q=zzzz") },
  { name: "list, bad address", statuses: [400, 422], show: openPage("/customers?size=-1") },
  {
    name: "list with a customer beside it",
    show: async (page) => {
      await open(page, "/customers?kind=company");
      await row(page, "Berglunds snabbköp").getByRole("link").click();
      await expect(page.getByRole("complementary", { name: "Customer" }).getByText("Timeline")).toBeVisible();
    },
  },
  {
    name: "filter",
    show: async (page) => {
      await open(page, "/customers");
      await page.getByRole("button", { name: "Filter" }).click();
      await expect(page.getByRole("group", { name: "Filter" }).getByLabel("Stage")).toBeVisible();
    },
  },
  {
    name: "palette",
    show: async (page) => {
      await open(page, "/customers");
      await page.keyboard.press("Control+k");
      await page.keyboard.type("ber");
      await expect(page.getByRole("option", { name: /Berglunds/ }).first()).toBeVisible();
    },
  },
  { name: "imports", show: openPage("/imports") },
  { name: "import, its mapping", show: async (page) => choose(page, "mapping.csv") },
  { name: "customer", show: async (page, path) => open(page, path) },
  {
    name: "customer, a field refused",
    show: async (page, path) => {
      await open(page, path);
      await edit(page, "E-mail", "no address");
      await expect(field(page, "E-mail")).toContainText("is not an e-mail address.");
    },
  },
  {
    name: "customer, a field in its editor",
    show: async (page, path) => {
      await open(page, path);
      await field(page, "City").getByTitle("Edit city").click();
      await expect(field(page, "City").getByRole("textbox")).toBeFocused();
    },
  },
  {
    name: "customer, more",
    show: async (page, path) => {
      await open(page, path);
      await page.getByRole("button", { name: "More" }).click();
      await expect(page.getByRole("button", { name: "Move to the trash" })).toBeVisible();
    },
  },
  {
    name: "customer, a note in its editor",
    show: async (page, path) => {
      await note(tom, path, "Wants the price list again, with the organic range.");
      await open(page, path);
      await typeNote(page, "Wants the price list", "Wants the price list again, with the organic range.\nSent on Tuesday.");
    },
  },
  {
    name: "customer, a note in dispute",
    statuses: [409],
    show: async (page, path) => {
      const text = "Wants the price list again, with the organic range.";
      await note(tom, path, text);
      await open(page, path);
      const editor = await typeNote(page, text, `${text}\nSent on Tuesday.`);
      await changeNote(tom, path, `${text}\nHas it by now.`);
      await editor.press("Control+Enter");
      await expect(page.getByRole("group", { name: "Which value should stand?" })).toBeVisible();
    },
  },
  {
    name: "customer, a field in dispute",
    statuses: [409],
    show: async (page, path) => {
      await change(tom, path, { city: "Kiel" });
      await deaf(page);
      await open(page, path);
      await change(tom, path, { city: "Lübeck" });
      await edit(page, "City", "Flensburg");
      await expect(field(page, "City").getByRole("alert")).toContainText("Lübeck");
    },
  },
  {
    name: "customer in the trash",
    show: async (page, path) => {
      await trash(page.request, path);
      await open(page, path);
      await expect(page.getByText("This customer is in the trash")).toBeVisible();
    },
  },
  {
    name: "customer, no connection",
    offline: true,
    show: async (page, path) => {
      await open(page, path);
      await page.context().setOffline(true);
      await expect(page.getByText("No connection.")).toBeVisible();
    },
  },
  {
    name: "customer, read only",
    who: aiko,
    show: async (page, path) => {
      await open(page, path);
      await expect(page.getByRole("link", { name: /^Edit/ })).toHaveCount(0);
    },
  },
  {
    name: "person menu",
    show: async (page) => {
      await open(page, "/customers?kind=company");
      await openDrawer(page);
      await page.getByRole("button", { name: nadia.name }).click();
      await expect(page.getByRole("button", { name: "Sign out" })).toBeVisible();
    },
  },
  {
    name: "drawer",
    narrow: true,
    show: async (page) => {
      await open(page, "/customers?kind=company");
      await openDrawer(page);
    },
  },
  { name: "new customer in a dialog", show: openDialog },
  {
    name: "new customer in a dialog, refused",
    statuses: [422],
    show: async (page) => {
      await openDialog(page);
      await page.getByRole("button", { name: "Create customer" }).click();
      await expect(page.getByText("Please give a name.")).toBeVisible();
    },
  },
  { name: "customer, not found", statuses: [404], show: openPage("/customers/7") },
  { name: "new customer", show: openPage("/customers/new") },
  {
    name: "new customer, refused",
    statuses: [422],
    show: async (page) => {
      await open(page, "/customers/new");
      await page.getByRole("button", { name: "Create customer" }).click();
      await expect(page.getByText("Please give a name.")).toBeVisible();
    },
  },
  { name: "edit customer", show: async (page, path) => open(page, `${path}/edit`) },
  { name: "calendar, a week", show: openCalendar("week") },
  { name: "calendar, a day of two people", show: openCalendar("day") },
  { name: "calendar, a month", show: openCalendar("month") },
  { name: "calendar, the agenda", show: openCalendar("agenda") },
  { name: "calendar, nothing booked", show: openPage("/appointments?view=agenda&day=2031-03-03") },
  {
    name: "calendar, whose",
    show: async (page) => {
      await openCalendar("week")(page);
      await page.getByRole("button", { name: "2 people" }).click();
      await expect(page.getByRole("button", { name: "Show" })).toBeVisible();
    },
  },
  {
    name: "appointment",
    show: async (page) => {
      const { first } = await busyDay();
      await open(page, first);
      await page.getByText("Cancel this appointment").click();
    },
  },
  { name: "appointment, not found", statuses: [404], show: openPage("/appointments/7") },
  { name: "new appointment", show: openPage("/appointments/new") },
  {
    name: "new appointment, refused",
    statuses: [422],
    show: async (page) => {
      const { day } = await busyDay();
      await open(page, `/appointments/new?date=${day}&time=10:30`);
      await page.getByLabel("About").fill("Tasting");
      await page.getByRole("button", { name: "Book", exact: true }).click();
      await expect(page.getByText("Free next:")).toBeVisible();
      await expect(page.getByRole("button", { name: /, 11:00$/ })).toBeVisible();
    },
  },
  {
    name: "edit appointment",
    show: async (page) => {
      const { first } = await busyDay();
      await open(page, `${first}/edit`);
    },
  },
  { name: "calendar for one who only looks", who: aiko, show: openCalendar("week") },
  { name: "activity", show: openPage("/activity") },
  {
    name: "what was done, some of which stays",
    show: async (page, path) => {
      await change(tom, path, { city: "York", region: "Yorkshire" });
      await change(nadia, path, { city: "Bath" });
      await open(page, "/activity");
      await page.getByRole("listitem").filter({ hasText: "changed city and region of" }).first().locator("a.when").click();
      await expect(page.getByText("It was changed since; the later value stays.")).toBeVisible();
    },
  },
  { name: "what was done, not found", statuses: [404], show: openPage("/activity/7") },
  { name: "activity for one who only looks", who: aiko, show: openPage("/activity") },
  { name: "activity, own, nothing done", who: aiko, show: openPage("/activity?who=me") },
  { name: "activity, bad place", statuses: [404], show: openPage("/activity?before=7") },
  {
    name: "trash",
    show: async (page, path) => {
      await acting(nadia, (api) => trash(api, path));
      await open(page, "/trash");
      await expect(page.getByRole("button", { name: "Restore" }).first()).toBeVisible();
    },
  },
  { name: "own settings", show: openPage("/settings") },
  { name: "security", show: openPage("/settings/security") },
  {
    name: "security, with a second factor",
    signedOut: true,
    show: async (page) => {
      const { cookies } = await guarded(address("olga"), "Olga Lindqvist");
      await page.context().addCookies(cookies);
      await open(page, "/settings/security");
      await page.getByText("New recovery codes").click();
    },
  },
  { name: "second factor", show: openPage("/second-factor") },
  {
    name: "second factor, refused",
    statuses: [422],
    show: async (page) => {
      await open(page, "/second-factor");
      await page.getByRole("button", { name: "Turn it on" }).click();
      await expect(page.getByText("Please give a code.")).toBeVisible();
    },
  },
  {
    name: "sign-in, its code asked for",
    signedOut: true,
    statuses: [422],
    show: upToCode,
  },
  { name: "settings", show: openPage("/admin/settings") },
  {
    name: "settings, refused",
    statuses: [422],
    show: async (page) => {
      await open(page, "/admin/settings");
      await page.getByLabel("Organisation").fill("");
      await page.getByLabel("Monday, to").fill("08:00");
      await page.getByRole("button", { name: "Save" }).click();
      await expect(page.getByText("It would close before it opens.")).toBeVisible();
    },
  },
  { name: "settings for one who only looks", who: aiko, statuses: [403], show: openPage("/admin/settings") },
  {
    name: "appointment types",
    show: async (page) => {
      await open(page, "/admin/appointment-types");
      await page.getByText("Meeting").click();
    },
  },
  { name: "dashboard", show: openPage("/") },
  {
    name: "dashboard, its tables",
    show: async (page) => {
      await open(page, "/?days=91");
      for (const table of await page.getByText("As a table").all()) await table.click();
      await expect(page.getByRole("table").nth(1)).toBeVisible();
    },
  },
  { name: "dashboard of one who has nothing", who: aiko, show: openPage("/?whose=mine&days=7") },
  { name: "admin", show: openPage("/admin") },
  { name: "admin, nothing found", show: openPage("/admin?q=zebra") },
  { name: "admin for one who only looks", who: aiko, statuses: [403], show: openPage("/admin") },
  {
    name: "users",
    show: async (page) => {
      await asked();
      await open(page, "/admin/users");
      await page.getByText("Ask somebody to join").click();
      await expect(page.getByRole("button", { name: "New link" }).first()).toBeVisible();
    },
  },
  {
    name: "users, refused",
    statuses: [422],
    show: async (page) => {
      await open(page, "/admin/users");
      await page.getByText("Ask somebody to join").click();
      await page.getByLabel("E-mail").fill("nobody");
      await page.getByRole("button", { name: "Ask to join" }).click();
      await expect(page.getByText("is not an e-mail address.")).toBeVisible();
    },
  },
  { name: "user", show: async (page) => open(page, await pageOf(tom.email)) },
  { name: "user, oneself", show: async (page) => open(page, await pageOf(nadia.email)) },
  { name: "user, not found", statuses: [404], show: openPage("/admin/users/7") },
  {
    name: "teams",
    show: async (page) => {
      await open(page, "/admin/teams");
      await page.getByText("New team").click();
    },
  },
  { name: "api keys, none yet", who: aiko, show: openPage("/settings/keys") },
  {
    name: "api keys",
    show: async (page) => {
      await newKey(nadia, "Nightly sync of the shop");
      await open(page, "/settings/keys");
      await page.getByText("New key").click();
    },
  },
  {
    name: "api keys, refused",
    statuses: [422],
    show: async (page) => {
      await newKey(nadia, "Nightly sync of the shop");
      await open(page, "/settings/keys");
      await page.getByText("New key").click();
      await page.getByRole("button", { name: "Make the key" }).click();
      await expect(page.getByText("Please say what the key is for.")).toBeVisible();
    },
  },
  {
    name: "keys of programs",
    show: async (page) => {
      await newProgram("Web shop");
      await newKey(tom, "Phone system");
      await open(page, "/admin/keys");
      await page.getByText("New program").click();
    },
  },
  {
    name: "keys of programs, refused",
    statuses: [422],
    show: async (page) => {
      await open(page, "/admin/keys");
      if (!(await page.getByRole("button", { name: "Make the key" }).last().isVisible())) {
        await page.getByText("New program").click();
      }
      await page.getByRole("form", { name: "New program" }).getByRole("button", { name: "Make the key" }).click();
      await expect(page.getByText("Please say what the key is for.").first()).toBeVisible();
    },
  },
  {
    name: "webhooks",
    show: async (page) => {
      await newWebhook("Web shop");
      await open(page, "/admin/webhooks");
      await page.getByText("New webhook").click();
    },
  },
  {
    name: "webhooks, refused",
    statuses: [422],
    show: async (page) => {
      await newWebhook("Web shop");
      await open(page, "/admin/webhooks");
      await page.getByText("New webhook").click();
      await page.getByRole("button", { name: "Set it up" }).click();
      await expect(page.getByText("Please say what it is for.")).toBeVisible();
    },
  },
  {
    name: "a webhook",
    show: async (page) => {
      await open(page, await newWebhook("Web shop"));
      await page.locator("details summary").first().click();
    },
  },
  {
    name: "tags",
    show: async (page) => {
      await open(page, "/admin/tags");
      await page.locator("details summary").first().click();
    },
  },
  { name: "roles", show: openPage("/admin/roles") },
  { name: "analytics", show: openPage("/admin/analytics?days=364") },
  { name: "system health", show: openPage("/admin/health") },
  {
    name: "audit log",
    show: async (page) => {
      await open(page, "/admin/audit");
      await page.getByText("The head of the seal").click();
    },
  },
  { name: "audit log, nothing found", show: openPage("/admin/audit?from=2031-01-01") },
  {
    name: "outbox",
    show: async (page) => {
      await asked();
      await open(page, "/admin/outbox");
      await page.getByText(/^Join /).or(page.getByText(/Join Northwind/)).first().click();
    },
  },
  {
    name: "join",
    signedOut: true,
    show: async (page) => open(page, await asked()),
  },
  { name: "join, no such link", signedOut: true, statuses: [409], show: openPage("/join/0123") },
  { name: "forgotten password", signedOut: true, show: openPage("/forgot") },
  { name: "sign-up", signedOut: true, show: openPage("/sign-up") },
  {
    name: "address that leads nowhere",
    statuses: [404],
    show: async (page) => {
      await page.goto("/nowhere");
      await awake(page);
    },
  },
];

/** The widths and colours that every state is looked at in. */
export const LOOKS = [
  { width: 1440, height: 900, colorScheme: "light" },
  { width: 1440, height: 900, colorScheme: "dark" },
  { width: 390, height: 844, colorScheme: "light" },
  { width: 390, height: 844, colorScheme: "dark" },
] as const;

export type Look = (typeof LOOKS)[number];

/** The looks in which there is such a state. */
export function looksOf(state: State): Look[] {
  return LOOKS.filter((look) => !state.narrow || look.width < 800);
}

/** Gives the page a width and colours, nothing moving. */
export async function dress(page: Page, look: Look): Promise<void> {
  await page.setViewportSize({ width: look.width, height: look.height });
  await page.emulateMedia({ colorScheme: look.colorScheme, reducedMotion: "reduce" });
}

/** Opens a state in a look. */
export async function showState(page: Page, state: State, look: Look, path: string, problems: Problems): Promise<void> {
  problems.expectStatus(...(state.statuses ?? []));
  if (state.offline) problems.expectOffline();
  const context = page.context();
  await context.setOffline(false);
  if (state.signedOut) await context.clearCookies();
  if (state.who) await context.addCookies(JSON.parse(readFileSync(state.who.state, "utf8")).cookies);
  await dress(page, look);
  await state.show(page, path);
  await page.evaluate("document.fonts.ready");
}

/** A customer with something in every field. */
export const WHOLE = {
  name: "Nordlicht Feinkost & Söhne, Versand und Filialen",
  kind: "company",
  stage: "prospect",
  emails: "einkauf@nordlicht.example\nrechnung@nordlicht.example",
  phones: "+49 40 1234567",
  links: "https://nordlicht.example/katalog",
  street: "Am Sandtorkai 4",
  postal_code: "20457",
  city: "Hamburg",
  country: "Germany",
  tags: "wholesale, nordics",
};
