// A webhook is set up, told, paused and removed in the panel.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

import { messages } from "./support/customer";
import { expect, open, test } from "./support/test";

/** A program that is told, and remembers what. */
async function receiver(): Promise<{ url: string; told: string[]; answer: (status: number) => void; server: Server }> {
  const told: string[] = [];
  let status = 204;
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => (body += piece));
    request.on("end", () => {
      told.push(JSON.parse(body).type);
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/hook`, told, answer: (next) => (status = next), server };
}

test("a webhook is set up, tells of a new customer, is paused, and goes on with what it missed", async ({
  page,
  customer,
  problems,
}) => {
  problems.expectStatus(422);
  // The page that is left is read once more after the webhook is removed.
  problems.expectStatus(404);
  const shop = await receiver();
  await open(page, "/admin");
  await page.getByRole("link", { name: /^Webhooks/ }).click();
  const form = page.getByRole("form", { name: "New webhook" });
  await expect(page.getByText("New webhook", { exact: true })).toBeVisible();
  if (!(await form.isVisible())) await page.getByText("New webhook", { exact: true }).click();
  await form.getByLabel("What it is for").fill("Till");
  await form.getByLabel("Address").fill("https://me:secret@shop.example");
  await form.getByRole("button", { name: "Set it up" }).click();
  await expect(form.getByText("without a name or a password")).toBeVisible();
  await form.getByLabel("Address").fill(shop.url);
  await form.getByLabel("Note created").check();
  await form.getByRole("button", { name: "Set it up" }).click();
  await expect(messages(page)).toContainText("Set up.");
  await expect(page.getByRole("textbox", { name: "Secret of Till" })).toHaveValue(/^whsec_/);

  await page.getByRole("button", { name: "Send a test message" }).click();
  await expect.poll(() => shop.told).toEqual(["ping"]);
  await customer({ name: "Told Ltd" });
  await expect.poll(() => shop.told).toEqual(["ping", "customer.created"]);
  await page.reload();
  await expect(page.getByText("Arrived Customer created")).toBeVisible();

  await page.getByRole("button", { name: "Pause" }).click();
  await expect(messages(page)).toContainText("Paused.");
  await customer({ name: "Missed Ltd" });
  await page.getByRole("button", { name: "Let it go on" }).click();
  await expect.poll(() => shop.told).toEqual(["ping", "customer.created", "customer.created"]);

  shop.answer(500);
  await page.getByRole("button", { name: "Send a test message" }).click();
  await expect.poll(() => shop.told.length).toBe(4);
  await page.reload();
  await expect(page.getByText(/^Nothing arrives since/)).toBeVisible();
  const failing = page.getByRole("group").filter({ hasText: "Answered 500" });
  await failing.locator("summary").click();
  shop.answer(204);
  await failing.getByRole("button", { name: "Try it now" }).click();
  await expect.poll(() => shop.told.length).toBeGreaterThan(4);

  await page.getByRole("button", { name: "Remove the webhook" }).click();
  await expect(messages(page)).toContainText("Removed");
  await expect(page).toHaveURL(/\/admin\/webhooks$/);
  await expect(page.getByRole("region", { name: "Till" })).toHaveCount(0);
  shop.server.close();
});
