// A program acts by a key: made in the browser, shown for a while, revoked.

import type { Locator, Page } from "@playwright/test";

import { field, messages } from "./support/customer";
import { NOBODY, nadia } from "./support/people";
import { server } from "./support/server";
import { expect, open, test } from "./support/test";

/** The form behind a summary of its name, which is open already where there is nothing else. */
async function unfolded(page: Page, name: string): Promise<Locator> {
  const form = page.getByRole("form", { name });
  const summary = page.getByText(name, { exact: true });
  await expect(summary).toBeVisible();
  if (!(await form.isVisible())) await summary.click();
  return form;
}

test("a key is made, a program works by it, its work is undone in the browser, and the key is revoked", async ({
  page,
  playwright,
}) => {
  await open(page, "/settings");
  await page.getByRole("link", { name: "API keys" }).click();
  const form = await unfolded(page, "New key");
  await form.getByLabel("What it is for").fill("Web shop");
  await form.getByLabel("What it may do").selectOption("All that you may do");
  await form.getByRole("button", { name: "Make the key" }).click();
  await expect(messages(page)).toContainText("Here is the key.");
  const card = page.getByRole("region", { name: "Web shop" });
  await expect(card).toContainText("never used");
  const key = await card.getByRole("textbox", { name: "Key Web shop" }).inputValue();
  expect(key).toMatch(/^rapport_key_[0-9a-f]{64}$/);

  const program = await playwright.request.newContext({
    baseURL: server.url,
    storageState: NOBODY,
    extraHTTPHeaders: { Authorization: `Bearer ${key}` },
  });
  const made = await program.post("/api/v1/customers", { data: { name: "Ordered Ltd", kind: "company", city: "Hull" } });
  expect(made.status(), await made.text()).toBe(201);
  const { id } = await made.json();
  const changed = await program.patch(`/api/v1/customers/${id}`, {
    data: { city: "York" },
    headers: { "If-Match": made.headers()["etag"] },
  });
  expect(changed.status()).toBe(200);

  await open(page, `/customers/${id}`);
  await expect(field(page, "City")).toContainText("York");
  await open(page, "/activity");
  const line = page.getByRole("listitem").filter({ hasText: "changed city of Ordered Ltd" });
  await expect(line).toContainText(nadia.name);
  await line.getByRole("button", { name: /^Revert/ }).click();
  await expect(line).toContainText("Taken back");
  expect((await (await program.get(`/api/v1/customers/${id}`)).json()).city).toBe("Hull");
  expect((await program.delete(`/api/v1/customers/${id}`)).status()).toBe(204);

  await open(page, "/settings/keys");
  await expect(card).toContainText("last used just now");
  await card.getByRole("button", { name: "Revoke" }).click();
  await expect(messages(page)).toContainText("Revoked");
  await expect(card).toHaveCount(0);
  expect((await program.get("/api/v1/customers")).status()).toBe(401);
  await program.dispose();
});

test("a program has an account of its own, another key, and an end that can be taken back", async ({
  page,
  playwright,
}) => {
  await open(page, "/admin");
  await page.getByRole("link", { name: /^API keys/ }).click();
  const form = await unfolded(page, "New program");
  await form.getByLabel("What it is for").fill("Stock keeper");
  await form.getByLabel("Role").selectOption("Member");
  await form.getByLabel("What it may do").selectOption("All that you may do");
  await form.getByRole("button", { name: "Make the key" }).click();
  await expect(messages(page)).toContainText("Here is the key.");
  const card = page.getByRole("region", { name: "Stock keeper" }).first();
  const key = await card.getByRole("textbox", { name: "Key Stock keeper" }).inputValue();
  const asks = async (key: string) => {
    const program = await playwright.request.newContext({
      baseURL: server.url,
      storageState: NOBODY,
      extraHTTPHeaders: { Authorization: `Bearer ${key}` },
    });
    const answer = await program.get("/api/v1/me");
    const told = { status: answer.status(), name: (await answer.json()).name as string | undefined };
    await program.dispose();
    return told;
  };
  expect(await asks(key)).toEqual({ status: 200, name: "Stock keeper" });

  await card.getByText("Another key").click();
  const another = card.getByRole("form", { name: "Another key" });
  await another.getByLabel("What it is for").fill("Stock keeper, new");
  await another.getByRole("button", { name: "Make the key" }).click();
  const later = card.getByRole("region", { name: "Stock keeper, new" });
  const next = await later.getByRole("textbox").inputValue();
  expect((await asks(next)).status).toBe(200);
  await card.getByRole("region", { name: "Stock keeper", exact: true }).getByRole("button", { name: "Revoke" }).click();
  await expect(messages(page)).toContainText("Revoked");
  expect((await asks(key)).status).toBe(401);
  expect((await asks(next)).status).toBe(200);

  await card.getByRole("button", { name: "Close the program" }).click();
  await expect(messages(page)).toContainText("Closed");
  expect((await asks(next)).status).toBe(401);
  await messages(page).getByRole("button", { name: "Undo" }).last().click();
  await expect(card).toBeVisible();
  expect((await asks(next)).status).toBe(200);
});

test("the page of the API shows every route, loads nothing from elsewhere and lets one try", async ({ page, problems }) => {
  // Tried without a key.
  problems.expectStatus(401);
  const elsewhere: string[] = [];
  page.on("request", (request) => {
    if (!request.url().startsWith(server.url) && !request.url().startsWith("data:")) elsewhere.push(request.url());
  });
  await open(page, "/settings/keys");
  await page.getByRole("link", { name: "What programs can do" }).click();
  await expect(page.getByRole("heading", { name: /Rapport/ })).toBeVisible();
  const described = await (await page.request.get("/api/openapi.json")).json();
  const routes = Object.values(described.paths as Record<string, object>).flatMap((item) => Object.keys(item));
  expect(routes.length).toBeGreaterThan(60);
  await expect(page.locator(".opblock")).toHaveCount(routes.length);
  await page.locator("#operations-People-get_me").getByRole("button").first().click();
  await page.locator("#operations-People-get_me").getByRole("button", { name: "Execute" }).click();
  await expect(page.locator("#operations-People-get_me .live-responses-table .response-col_status").last()).toContainText("401");
  expect(elsewhere).toEqual([]);
});

test.describe("without script", () => {
  test.use({ javaScriptEnabled: false });

  test("a key is made and revoked", async ({ page }) => {
    await page.goto("/settings/keys");
    const form = await unfolded(page, "New key");
    await form.getByLabel("What it is for").fill("Plain program");
    await form.getByRole("button", { name: "Make the key" }).click();
    const card = page.getByRole("region", { name: "Plain program" });
    await expect(card.getByRole("textbox")).toHaveValue(/^rapport_key_/);
    await card.getByRole("button", { name: "Revoke" }).click();
    await expect(page.getByText("Revoked; the key is good for nothing now.")).toBeVisible();
    await expect(card).toHaveCount(0);
  });
});
