// Who works at Northwind Traders. The set-up makes them and keeps the session of each.

import { expect, type Page } from "@playwright/test";
import { join } from "node:path";

export interface Person {
  name: string;
  email: string;
  password: string;
  /** The word for the command line. */
  role: string;
  /** The file that holds their session. */
  state: string;
}

function person(name: string, email: string, role: string): Person {
  // Long and not on any list of common ones, and without a word of the name.
  const password = `seven quiet herons over ${email.length} lakes`;
  return { name, email, role, password, state: join(__dirname, "..", "..", ".state", `${email}.json`) };
}

/** The one who set Rapport up. */
export const nadia = person("Nadia Kovač", "nadia@northwind.example", "admin");
/** A colleague who may change everything too. */
export const tom = person("Tom Okafor", "tom@northwind.example", "admin");
/** May look and nothing else. */
export const aiko = person("Aiko Sato", "aiko@northwind.example", "read_only");
/** Whose sessions come and go with the tests of signing in. */
export const lars = person("Lars Nyström", "lars@northwind.example", "manager");

/** Nobody is signed in. */
export const NOBODY = { cookies: [], origins: [] };

/** Fills in the sign-in form that the page shows, and sends it. */
export async function signIn(page: Page, who: Pick<Person, "email" | "password">): Promise<void> {
  await page.getByLabel("E-mail").fill(who.email);
  await page.getByLabel("Password").fill(who.password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** The dashboard is there: the person is in. */
export async function isIn(page: Page): Promise<void> {
  await expect(page.getByRole("heading", { name: /^Good (morning|afternoon|evening), /, level: 1 })).toBeVisible();
}
