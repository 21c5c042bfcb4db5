// The pages and their main states, as accessibility and screenshots go through them.

import { expect, type Page } from "@playwright/test";

import { edit, field, row } from "./customer";
import { awake, open } from "./test";
import type { Problems } from "./problems";

export interface State {
  name: string;
  /** Brings the page into the state. `path` is the page of a customer made for it. */
  show: (page: Page, path: string) => Promise<void>;
  signedOut?: boolean;
  /** Statuses that belong to the state. */
  statuses?: number[];
}

const openPage = (path: string) => async (page: Page) => open(page, path);

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

/** Opens a state in a look, nothing moving. */
export async function showState(page: Page, state: State, look: Look, path: string, problems: Problems): Promise<void> {
  problems.expectStatus(...(state.statuses ?? []));
  if (state.signedOut) await page.context().clearCookies();
  await page.setViewportSize({ width: look.width, height: look.height });
  await page.emulateMedia({ colorScheme: look.colorScheme, reducedMotion: "reduce" });
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
