// Who works here: asked in, changed, let go and back again; and the ways in by a link.

import { acting } from "./support/appointment";
import { field, messages, post } from "./support/customer";
import { aiko, nadia, NOBODY, signIn, tom } from "./support/people";
import { rapport } from "./support/server";
import { address, ask, joined, linkFor, pageOf, PASSWORD } from "./support/staff";
import { awake, expect, open, test } from "./support/test";

test("somebody is asked in, opens the link, chooses a password and is in", async ({ page, browser }) => {
  const email = address("nora");
  await open(page, "/admin");
  await page.getByRole("searchbox", { name: "Search the panel" }).fill("invite");
  await expect(page.getByRole("listitem")).toHaveCount(1);
  await page.getByRole("link", { name: /^Users/ }).click();
  await page.getByText("Ask somebody to join").click();
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Role").selectOption("Manager");
  await page.getByRole("button", { name: "Ask to join" }).click();
  await expect(messages(page)).toContainText("on its way by mail");
  const link = await page.getByRole("textbox", { name: `Link for ${email}` }).inputValue();
  expect(new URL(link).pathname).toBe(await linkFor(email));

  const context = await browser.newContext({ storageState: NOBODY });
  const other = await context.newPage();
  await other.goto(new URL(link).pathname);
  await awake(other);
  await expect(other.getByText(`You will sign in as ${email}.`)).toBeVisible();
  await other.getByLabel("Your name").fill("Nora Lund");
  await other.getByLabel("Password").fill(PASSWORD);
  await other.getByRole("button", { name: "Come in" }).click();
  await expect(other.getByRole("heading", { name: /^Good /, level: 1 })).toBeVisible();
  await other.goto(new URL(link).pathname);
  await expect(other.getByText("not good any more")).toBeVisible();
  await context.close();

  await open(page, "/admin/users");
  await expect(page.getByRole("list", { name: "Users" }).getByRole("listitem").filter({ hasText: email })).toContainText("Manager");
  await expect(page.getByRole("textbox", { name: `Link for ${email}` })).toHaveCount(0);
});

test("an invitation is withdrawn, brought back by Undo, and needs a new link then", async ({ page, browser }) => {
  const email = address("wil");
  await ask(email);
  const link = await linkFor(email);
  await open(page, "/admin/users");
  const line = page.getByRole("list", { name: "Asked to join" }).getByRole("listitem").filter({ hasText: email });
  await line.getByRole("button", { name: "Withdraw" }).click();
  await expect(messages(page)).toContainText("Withdrawn");
  await expect(line).toHaveCount(0);
  await messages(page).getByRole("button", { name: "Undo" }).click();
  await expect(line).toContainText("not good any more");
  const context = await browser.newContext({ storageState: NOBODY });
  const other = await context.newPage();
  await other.goto(link);
  await expect(other.getByText("This link does not open")).toBeVisible();
  await line.getByRole("button", { name: "New link" }).click();
  await expect(line.getByRole("textbox")).toHaveValue(/\/join\/[0-9a-f]{64}$/);
  await context.close();
});

test("a role changes what its holder may do while they work, and nothing that they typed is lost", async ({
  page,
  browser,
  customer,
}) => {
  const email = address("rae");
  const path = await joined(email, "Rae Holt");
  const record = await customer({ name: "Shared Ltd" });
  await open(page, path);
  await page.getByLabel("Role").selectOption("Admin");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(messages(page)).toContainText("Saved.");

  const context = await browser.newContext({ storageState: NOBODY });
  const other = await context.newPage();
  await other.goto("/sign-in");
  await awake(other);
  await signIn(other, { email, password: PASSWORD });
  await expect(other.getByRole("heading", { name: /^Good /, level: 1 })).toBeVisible();
  await open(other, record);
  await other.getByRole("textbox", { name: "Note" }).fill("Half a thought");
  await page.getByLabel("Role").selectOption("Read-only");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.getByLabel("Role")).toHaveValue("read_only");
  await other.getByRole("textbox", { name: "Note" }).press("Control+Enter");
  await expect(other.getByText("You may not do this.")).toBeVisible();
  await expect(other.getByRole("textbox", { name: "Note" })).toHaveValue("Half a thought");
  await context.close();
});

test("who leaves hands over, is signed out, and comes back with Undo", async ({ page, browser, problems }) => {
  problems.expectStatus(422);
  const email = address("lee");
  const path = await joined(email, "Lee Moss");
  const context = await browser.newContext({ storageState: NOBODY });
  const other = await context.newPage();
  await other.goto("/sign-in");
  await awake(other);
  await signIn(other, { email, password: PASSWORD });
  await expect(other.getByRole("heading", { name: /^Good /, level: 1 })).toBeVisible();
  await open(page, path);
  await page.getByRole("button", { name: "Close the account" }).click();
  await expect(page.getByText("Please choose who takes over")).toBeVisible();
  await page.getByLabel("Who takes over").selectOption(tom.name);
  await page.getByRole("button", { name: "Close the account" }).click();
  await expect(page.getByText("Closed account")).toBeVisible();
  await other.goto("/customers");
  await expect(other).toHaveURL(/\/sign-in/);
  await messages(page).getByRole("button", { name: "Undo" }).click();
  await expect(page.getByRole("heading", { name: "Close the account" })).toBeVisible();
  await context.close();
});

test("a new password is chosen by the link that an admin makes", async ({ page, browser }) => {
  const email = address("pat");
  const path = await joined(email, "Pat Iyer");
  await open(page, path);
  await page.getByRole("button", { name: "Make a link for a new password" }).click();
  const link = page.getByRole("textbox", { name: `Link for ${email}` });
  await expect(link).toHaveValue(/\/reset\/[0-9a-f]{64}$/);
  const context = await browser.newContext({ storageState: NOBODY });
  const other = await context.newPage();
  await other.goto(new URL(await link.inputValue()).pathname);
  await awake(other);
  await other.getByLabel("New password").fill("three grey geese on 2 ponds");
  await other.getByRole("button", { name: "Set the password" }).click();
  await expect(other.getByRole("heading", { name: /^Good /, level: 1 })).toBeVisible();
  await open(other, "/settings");
  await other.getByLabel("Your password").fill("three grey geese on 2 ponds");
  await other.getByLabel("New password").fill(PASSWORD);
  await other.getByRole("button", { name: "Change the password" }).click();
  await expect(other.getByText("Your password is changed.")).toBeVisible();
  await context.close();
});

test("a team is added, renamed, and removed only while nobody belongs to it", async ({ page, problems }) => {
  problems.expectStatus(409);
  await open(page, "/admin/teams");
  await page.getByText("New team").click();
  await page.getByRole("form", { name: "New team" }).getByLabel("Name").fill("Field crew");
  await page.getByRole("button", { name: "Add the team" }).click();
  await expect(messages(page)).toContainText("Team added.");
  await page.getByText("Field crew").click();
  const form = page.getByRole("form", { name: "Team Field crew" });
  await form.getByLabel("Name").fill("Field force");
  await form.getByRole("button", { name: "Save" }).click();
  await expect(page.getByText("Field force")).toBeVisible();
  const card = (name: string) => page.locator("details").filter({ hasText: name });
  await card("Northwind Traders").locator("summary").click();
  await card("Northwind Traders").getByRole("button", { name: "Remove the team" }).click();
  await expect(page.getByText("belong to this team, so it stays")).toBeVisible();
  await card("Field force").locator("summary").click();
  await card("Field force").getByRole("button", { name: "Remove the team" }).click();
  await expect(messages(page)).toContainText("Team removed.");
  await expect(page.getByText("Field force")).toHaveCount(0);
});

test("a tag is called otherwise with all customers, and taken away again", async ({ page, customer, problems }) => {
  problems.expectStatus(422);
  const [one, other] = [await customer({ name: "Marked Ltd", tags: "fair 2026" }), await customer({ name: "Signed Ltd", tags: "fair 2026, north" })];
  await open(page, "/admin/tags");
  const card = (name: string) => page.locator("details").filter({ hasText: name });
  await expect(card("fair 2026").locator("summary")).toContainText("2 customers");
  await card("fair 2026").locator("summary").click();
  const form = page.getByRole("form", { name: "Tag fair 2026" });
  await form.getByLabel("Name").fill("a, b");
  await form.getByRole("button", { name: "Rename it everywhere" }).click();
  await expect(form.getByText("A tag has no comma in it.")).toBeVisible();
  await form.getByLabel("Name").fill("trade fair");
  await form.getByRole("button", { name: "Rename it everywhere" }).click();
  await expect(messages(page)).toContainText("Changed with 2 customers.");
  await expect(card("trade fair")).toBeVisible();
  await open(page, other);
  await expect(field(page, "Tags")).toContainText("trade fair");
  await expect(field(page, "Tags")).toContainText("north");
  await open(page, "/admin/tags");
  await card("trade fair").locator("summary").click();
  await card("trade fair").getByRole("button", { name: "Take it away everywhere" }).click();
  await expect(card("trade fair")).toHaveCount(0);
  await messages(page).getByRole("button", { name: "Undo" }).click();
  await expect(card("trade fair")).toBeVisible();
  await open(page, one);
  await expect(field(page, "Tags")).toContainText("trade fair");
});

test("the audit log says that it is sealed, and a forged past is found out", async ({ page, customer }) => {
  await customer({ name: "Sealed Ltd" });
  await expect(async () => {
    await open(page, "/admin/audit");
    await expect(page.getByRole("region", { name: "Seal" })).toContainText(/Sealed up to .*: \d+ commands/);
  }).toPass();
  await page.getByText("The head of the seal").click();
  const head = await page.getByText(/^rapport-seal:/).innerText();
  const verified = rapport(["audit", "verify", "--head", head]);
  expect(verified.output).toContain("All of it is what was written.");
  expect(verified.status).toBe(0);
  const other = rapport(["audit", "verify", "--head", head.replace(/.{8}$/, "00000000")]);
  expect(other.status).toBe(1);
});

test("whose work Rapport is built on, and on which terms, is told from the page of its health", async ({ page }) => {
  await open(page, "/admin/health");
  await page.getByRole("link", { name: "Licences" }).click();
  await expect(page).toHaveURL(/\/notices\.txt$/);
  for (const owed of ["SIL OPEN FONT LICENSE", "leptos 0.", "sea-orm 2.", "GNU AFFERO GENERAL PUBLIC LICENSE"]) {
    await expect(page.locator("body")).toContainText(owed);
  }
});

test("the panel is for admins", async ({ as, problems }) => {
  problems.expectStatus(403);
  const page = await as(aiko);
  await open(page, "/customers");
  await expect(page.getByRole("link", { name: "Admin" })).toHaveCount(0);
  for (const path of ["/admin", "/admin/users", "/admin/teams", "/admin/roles", "/admin/outbox"]) {
    await open(page, path);
    await expect(page.getByText("Not for your role")).toBeVisible();
  }
});

test("what two admins change of a user at once is settled by the second", async ({ page, as, problems }) => {
  problems.expectStatus(409);
  const path = await joined(address("sam"), "Sam Ode");
  const other = await as(tom);
  await open(page, path);
  await open(other, path);
  await page.getByLabel("Role").selectOption("Manager");
  await page.getByRole("button", { name: "Save" }).click();
  await expect(messages(page)).toContainText("Saved.");
  await other.getByLabel("Role").selectOption("Read-only");
  await other.getByRole("button", { name: "Save" }).click();
  const dispute = other.getByRole("group", { name: "Which value should stand?" });
  await expect(dispute).toContainText(`Keep what ${nadia.name} wrote: Manager`);
  await other.getByRole("button", { name: "Save" }).click();
  await expect(messages(other)).toContainText("Saved.");
  await expect(other.getByLabel("Role")).toHaveValue("read_only");
});

test.describe("by those who are not signed in", () => {
  test.use({ storageState: NOBODY });

  test("a forgotten password is asked for without telling who works here", async ({ page }) => {
    const email = address("fay");
    await joined(email, "Fay Noor");
    for (const asked of [email, "nobody@northwind.example"]) {
      await open(page, "/sign-in");
      await page.getByRole("link", { name: "Forgotten your password?" }).click();
      await page.getByLabel("E-mail").fill(asked);
      await page.getByRole("button", { name: "Send me a link" }).click();
      await expect(page.getByText("a mail with a link is on its way to it")).toBeVisible();
    }
    expect(await linkFor(email)).toMatch(/^\/reset\/[0-9a-f]{64}$/);
  });

  test("a sign-up is offered only where a domain is open, and confirmed by mail", async ({ page }) => {
    const open_to = (sign_up: string, sign_up_domains: string) =>
      acting(nadia, async (api) => {
        const { version } = await (await api.get("/api/fn/settings/organisation")).json();
        const answer = await post(api, "/admin/settings", { version: String(version), sign_up, sign_up_domains });
        expect(answer.status(), await answer.text()).toBe(303);
      });
    await open(page, "/sign-in");
    await expect(page.getByRole("link", { name: "New here? Sign up" })).toHaveCount(0);
    await open_to("domains", "open.example");
    const email = address("una").replace("northwind", "open");
    await open(page, "/sign-in");
    await page.getByRole("link", { name: "New here? Sign up" }).click();
    await page.getByLabel("E-mail").fill(email);
    await page.getByRole("button", { name: "Send me a link" }).click();
    await expect(page.getByText("a mail with a link is on its way to it")).toBeVisible();
    await open(page, await linkFor(email));
    await expect(page.getByText(`You will sign in as ${email}.`)).toBeVisible();
    await open_to("invitation", "");
  });
});

test.describe("without script", () => {
  test.use({ javaScriptEnabled: false, storageState: NOBODY });

  test("a link is used, and a weak password refused with the link still good", async ({ page, problems }) => {
    problems.expectStatus(422);
    const email = address("ida");
    await ask(email);
    await page.goto(await linkFor(email));
    await page.getByLabel("Your name").fill("Ida Berg");
    await page.getByLabel("Password").fill("short");
    await page.getByRole("button", { name: "Come in" }).click();
    await expect(page.getByLabel("Your name")).toHaveValue("Ida Berg");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Come in" }).click();
    await expect(page.getByRole("heading", { name: /^Good /, level: 1 })).toBeVisible();
    expect(await pageOf(email)).toMatch(/^\/admin\/users\/[0-9a-f-]{36}$/);
  });
});
