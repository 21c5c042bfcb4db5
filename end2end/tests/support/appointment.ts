// Appointments as tests make and find them.

import { expect, request, type APIRequestContext, type Locator, type Page } from "@playwright/test";

import { newId, post, type Values } from "./customer";
import { nadia, tom, type Person } from "./people";
import { server } from "./server";

/** A type that every installation starts with. */
const MEETING = "01900000-0000-7000-8000-000000000021";

/** The Wednesday some weeks ahead. */
export function wednesday(weeks: number): string {
  const day = new Date(Date.now() + weeks * 7 * 86_400_000);
  day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 4) % 7));
  return day.toISOString().slice(0, 10);
}

/** What somebody does by forms, in a browser of their own. */
export async function acting<T>(who: Person, act: (api: APIRequestContext) => Promise<T>): Promise<T> {
  const api = await request.newContext({ baseURL: server.url, storageState: who.state });
  const done = await act(api);
  await api.dispose();
  return done;
}

/** The id of somebody. */
export async function idOf(who: Person): Promise<string> {
  return acting(who, async (api) => (await (await api.get("/api/fn/session/me")).json()).id as string);
}

/** Books an appointment, an hour long unless said otherwise. Gives the path of its page. */
export async function book(who: Person, fields: Values): Promise<string> {
  const id = newId();
  const staff = await idOf(who);
  const form = { id, type: MEETING, title: "Talk", minutes: "60", staff, ...fields };
  const answer = await acting(who, async (api) => {
    const answer = await post(api, "/appointments/new", form);
    return { status: answer.status(), text: await answer.text() };
  });
  expect(answer.status, answer.text).toBe(303);
  return `/appointments/${id}`;
}

/** Cancels it, wherever the test left it. */
export async function cancel(path: string): Promise<void> {
  const answer = await acting(nadia, async (api) => (await post(api, `${path}/cancel`, { reason: "over" })).status());
  expect([303, 404, 409]).toContain(answer);
}

/** The appointment in the calendar. */
export function slot(page: Page, title: string): Locator {
  return page.locator(".cal").getByRole("link", { name: title });
}

/** Drags with the mouse, in steps, and leaves the button down. */
export async function drag(page: Page, what: Locator, by: { x?: number; y?: number }, edge = false): Promise<void> {
  // It may be drawn anew at this moment.
  let box = await what.boundingBox();
  await expect(async () => {
    box = await what.boundingBox();
    expect(box).not.toBeNull();
  }).toPass();
  if (!box) throw new Error("nothing to drag");
  const from = { x: box.x + box.width / 2, y: edge ? box.y + box.height - 3 : box.y + 10 };
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move(from.x + (by.x ?? 0), from.y + (by.y ?? 0), { steps: 8 });
}

/** A day on which two people have something: booked once, and found again by whoever asks later. */
export async function busyDay(): Promise<{ day: string; staff: string[]; first: string }> {
  const day = wednesday(20);
  const staff = [await idOf(nadia), await idOf(tom)];
  const query = encodeURIComponent(`view=day&day=${day}&staff=${staff.join(",")}`);
  const booked = async () =>
    acting(nadia, async (api) => {
      const { slots } = await (await api.get(`/api/fn/appointment/calendar?query=${query}`)).json();
      return slots as { id: string }[];
    });
  if ((await booked()).length === 0) {
    const on = (who: Person, time: string, title: string, fields: Values = {}) =>
      book(who, { date: day, time, title, place: "Room 2, ground floor", ...fields });
    await on(nadia, "10:00", "Cloudberry tasting with a long name that does not fit");
    await on(nadia, "13:15", "Contract", { minutes: "20" });
    await on(tom, "09:30", "Kitchen visit", { minutes: "120" });
    await on(tom, "13:00", "Prices");
    await on(tom, "16:50", "Call back", { minutes: "10" });
  }
  const [first] = await booked();
  return { day, staff, first: `/appointments/${first.id}` };
}
