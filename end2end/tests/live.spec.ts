// What others do is seen as it happens, and nothing moves under the hand.

import { cancel, book, slot, wednesday } from "./support/appointment";
import { change, field, note, post, row } from "./support/customer";
import { NOBODY, nadia, signIn, tom } from "./support/people";
import { server } from "./support/server";
import { address, joined, PASSWORD } from "./support/staff";
import { awake, expect, hears, open, test } from "./support/test";

test("a record shows what somebody else changed, and what they wrote", async ({ page, customer }) => {
  const path = await customer({ name: "Strandkorb", city: "Husum" });
  await open(page, path);
  await hears(page);
  await change(tom, path, { city: "Tönning" });
  await expect(field(page, "City")).toHaveText("Tönning");
  await note(tom, path, "They moved last week.");
  await expect(page.getByText("They moved last week.")).toBeVisible();
});

test("the focus stays where it is while the page follows, also for who goes by keys", async ({ page, customer }) => {
  const path = await customer({ name: "Tastatur", city: "Husum", street: "Am Markt 1" });
  await open(page, path);
  await hears(page);
  const places = {
    Tönning: page.getByRole("link", { name: "Edit street" }),
    Garding: page.getByRole("link", { name: "Edit", exact: true }),
    Heide: page.getByRole("button", { name: "More", exact: true }),
  };
  for (const [city, place] of Object.entries(places)) {
    await place.focus();
    await change(tom, path, { city });
    await expect(field(page, "City")).toHaveText(city);
    await expect(place).toBeFocused();
  }
  // Who goes elsewhere meanwhile is not called back.
  await places.Tönning.focus();
  await change(tom, path, { city: "Büsum" });
  const elsewhere = page.getByRole("link", { name: "Dashboard" });
  await elsewhere.focus();
  await expect(field(page, "City")).toHaveText("Büsum");
  await expect(elsewhere).toBeFocused();
});

test("what changes is there within 300 ms, half of the time", async ({ page, playwright, customer }) => {
  const path = await customer({ name: "Sekunde", city: "0" });
  await open(page, path);
  await hears(page);
  const took: number[] = [];
  const api = await playwright.request.newContext({ baseURL: server.url, storageState: tom.state });
  for (let turn = 1; turn <= 9; turn += 1) {
    const began = Date.now();
    await post(api, `${path}/edit`, { version: String(turn), city: `Stadt ${turn}` });
    await expect(field(page, "City")).toHaveText(`Stadt ${turn}`, { timeout: 5_000 });
    took.push(Date.now() - began);
    // Behind the pause between two readings.
    await page.waitForFunction((until) => Date.now() > until, Date.now() + 800);
  }
  took.sort((a, b) => a - b);
  console.log(`      seen after ${took.join(", ")} ms`);
  expect(took[4]).toBeLessThan(300);
  await api.dispose();
});

test("what somebody types is left alone until they are done, and then the page follows", async ({ page, customer }) => {
  const path = await customer({ name: "Schreibtisch", city: "Husum", street: "Am Markt 1" });
  await open(page, path);
  await hears(page);
  const text = page.getByRole("textbox", { name: "Note" });
  await text.fill("Half a sen");
  await change(tom, path, { city: "Tönning" });
  await expect(page.getByText("Somebody changed what is shown here.")).toBeVisible();
  await expect(field(page, "City")).toHaveText("Husum");
  await expect(text).toHaveValue("Half a sen");
  await page.getByRole("button", { name: "Show it" }).click();
  await expect(field(page, "City")).toHaveText("Tönning");
  await expect(text).toHaveValue("Half a sen");
  await expect(page.getByText("Somebody changed what is shown here.")).toBeHidden();

  // An editor in place keeps what is typed, too.
  await text.clear();
  await field(page, "City").getByRole("link", { name: /^Edit city/ }).click();
  const city = field(page, "City").getByRole("textbox");
  await city.fill("Garding");
  await change(tom, path, { street: "Am Hafen 2" });
  await expect(page.getByText("Somebody changed what is shown here.")).toBeVisible();
  await expect(city).toHaveValue("Garding");
  await city.press("Escape");
  await expect(field(page, "Street")).toHaveText("Am Hafen 2");
});

test("in a list under the pointer rows stand still, marked, until the pointer leaves", async ({ page, customer }) => {
  const city = `Halt ${Date.now()}`;
  const paths: string[] = [];
  for (const name of ["Anker", "Boje", "Circus"]) paths.push(await customer({ name: `${name} ${city}`, city }));
  await open(page, `/customers?city=${encodeURIComponent(city)}`);
  await hears(page);
  const names = page.locator(".customers tbody tr td:first-child span");
  await expect(names).toHaveText(["Anker", "Boje", "Circus"].map((name) => `${name} ${city}`));
  await row(page, `Boje ${city}`).hover();

  // What stays in its place is told at once.
  await change(tom, paths[1], { stage: "customer" });
  await expect(row(page, `Boje ${city}`)).toContainText("Customer");
  // What would move waits.
  await change(tom, paths[0], { name: `Zander ${city}` });
  await expect(names).toHaveText([`Zander ${city}`, `Boje ${city}`, `Circus ${city}`]);
  await expect(page.locator("tr[data-moves]")).toHaveCount(1);
  await expect(page.getByRole("button", { name: "1 row waits to move" })).toBeVisible();
  await customer({ name: `Adler ${city}`, city });
  await expect(page.getByRole("button", { name: "2 rows wait to move" })).toBeVisible();
  await expect(names).toHaveCount(3);
  await page.getByRole("heading", { name: "Customers", level: 1 }).hover();
  await expect(names).toHaveText([`Adler ${city}`, `Boje ${city}`, `Circus ${city}`, `Zander ${city}`]);
  await expect(page.locator("tr[data-moves]")).toHaveCount(0);
});

test("a row that has the focus keeps it, and rows stand still, while colleagues change them", async ({ page, customer }) => {
  const city = `Fokus ${Date.now()}`;
  const paths: string[] = [];
  for (const name of ["Anker", "Boje", "Circus"]) paths.push(await customer({ name: `${name} ${city}`, city }));
  await open(page, `/customers?city=${encodeURIComponent(city)}`);
  await hears(page);
  const link = row(page, `Boje ${city}`).getByRole("link");
  await link.focus();
  await change(tom, paths[0], { name: `Zander ${city}` });
  await expect(page.getByRole("button", { name: "1 row waits to move" })).toBeVisible();
  await change(tom, paths[1], { stage: "customer" });
  await expect(row(page, `Boje ${city}`)).toContainText("Customer");
  await expect(link).toBeFocused();
  const names = page.locator(".customers tbody tr td:first-child span");
  await expect(names).toHaveText([`Zander ${city}`, `Boje ${city}`, `Circus ${city}`]);
  await page.keyboard.press("j");
  await expect(row(page, `Circus ${city}`).getByRole("link")).toBeFocused();
});

test("the calendar and the dashboard follow", async ({ page, as }) => {
  const day = wednesday(30);
  await open(page, `/appointments?view=week&day=${day}`);
  await hears(page);
  const board = await as(nadia);
  await open(board, "/");
  await hears(board);
  const title = `Follow ${Date.now()}`;
  const path = await book(nadia, { date: day, time: "10:00", title });
  await expect(slot(page, title)).toBeVisible();
  await cancel(path);
  await expect(slot(page, title)).toHaveCount(0);
  await expect(board.getByText(/cancelled an appointment/).first()).toBeVisible();
});

test("who else looks at a record is shown, and which field they change", async ({ page, as, customer }) => {
  const path = await customer({ name: "Zwei Köpfe", city: "Husum" });
  await open(page, path);
  await hears(page);
  const other = await as(tom);
  await open(other, path);
  await hears(other);
  await expect(page.getByTitle(`${tom.name} is looking at this, too`)).toBeVisible();
  await expect(other.getByTitle(`${nadia.name} is looking at this, too`)).toBeVisible();
  await field(other, "City").getByRole("link", { name: /^Edit city/ }).click();
  await expect(page.getByTitle(`${tom.name} is changing city`)).toBeVisible();
  await other.keyboard.press("Escape");
  await expect(page.getByTitle(`${tom.name} is looking at this, too`)).toBeVisible();
  await other.goto("/customers");
  await expect(page.locator(".other")).toHaveCount(0);
});

test("eight tabs of one browser share a stream, and all of them follow", async ({ page, context, customer }) => {
  const path = await customer({ name: "Acht", city: "Husum" });
  const streams: string[] = [];
  context.on("request", (request) => {
    if (new URL(request.url()).pathname === "/live") streams.push(request.url());
  });
  const tabs = [page];
  while (tabs.length < 8) tabs.push(await context.newPage());
  for (const tab of tabs) await open(tab, path);
  await hears(page);
  await change(tom, path, { city: "Tönning" });
  for (const tab of tabs) await expect(field(tab, "City")).toHaveText("Tönning");
  expect(streams).toHaveLength(1);

  // Another one takes over when the first one is closed.
  await page.close();
  await expect.poll(() => streams.length).toBe(2);
  expect(streams[1]).toMatch(/after=\d+/);
  await change(tom, path, { city: "Garding" });
  for (const tab of tabs.slice(1)) await expect(field(tab, "City")).toHaveText("Garding");
});

test("who is signed out elsewhere learns it from the page", async ({ page, browser, customer, problems }) => {
  problems.expectStatus(401);
  const email = address("lea");
  const person = await joined(email, "Lea Moor");
  const path = await customer({ name: "Abschied" });
  const context = await browser.newContext({ storageState: NOBODY });
  const other = await context.newPage();
  await other.goto("/sign-in");
  await awake(other);
  await signIn(other, { email, password: PASSWORD });
  await expect(other.getByRole("heading", { name: /^Good /, level: 1 })).toBeVisible();
  await hears(other);
  await open(page, person);
  await page.getByRole("button", { name: "Sign out everywhere" }).click();
  await expect(other.getByRole("link", { name: "Sign in" })).toBeVisible({ timeout: 15_000 });
  await context.close();
  await open(page, path);
});

test("when nothing is heard it is said, and what was missed is there when it goes on", async ({ page, customer, problems }) => {
  problems.expectStatus(503);
  const path = await customer({ name: "Funkstille", city: "Husum" });
  await page.route("**/live*", (route) => route.fulfill({ status: 503, body: "" }));
  await open(page, path);
  await expect(page.getByText("Live updates are paused.")).toBeVisible({ timeout: 15_000 });
  await change(tom, path, { city: "Tönning" });
  await expect(field(page, "City")).toHaveText("Husum");
  await page.unroute("**/live*");
  await expect(page.getByText("Live updates are paused.")).toBeHidden({ timeout: 20_000 });
  await expect(field(page, "City")).toHaveText("Tönning");
});
