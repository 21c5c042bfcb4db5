// A program in TypeScript does a day's work by the client that is generated from the description of the API. That its
// types fit is checked before the tests run (end2end/tsconfig.json).

import createClient from "openapi-fetch";

import type { paths } from "../generated/api";
import { nadia } from "./support/people";
import { newKey } from "./support/program";
import { server } from "./support/server";
import { expect, test } from "./support/test";

const DAY = 24 * 60 * 60 * 1000;

test("a generated client finds, makes, notes, books, changes many and takes back", async () => {
  const key = await newKey(nadia, `Client ${Date.now()}`);
  const client = createClient<paths>({ baseUrl: server.url, headers: { Authorization: `Bearer ${key}` } });
  const me = (await client.GET("/api/v1/me")).data!;
  expect(me.name).toBe(nadia.name);

  // A lead comes in, twice by mistake.
  const lead = () =>
    client.POST("/api/v1/customers", {
      params: { header: { "Idempotency-Key": "lead-of-the-fair" } },
      body: { name: "Nordlicht Feinkost", kind: "company", stage: "lead", emails: ["einkauf@nordlicht.example"] },
    });
  const made = await lead();
  const again = await lead();
  expect(made.response.status).toBe(201);
  expect(again.data?.id).toBe(made.data?.id);
  const id = made.data!.id;
  const noted = await client.POST("/api/v1/customers/{id}/notes", {
    params: { path: { id } },
    body: { body: "Asked for an offer at the fair." },
  });
  expect(noted.response.status).toBe(201);

  // The first time that is free, next week.
  const types = (await client.GET("/api/v1/appointment-types")).data!.data;
  const date = new Date(Date.now() + 7 * DAY).toISOString().slice(0, 10);
  const free = await client.GET("/api/v1/appointments/free", {
    params: { query: { staff: me.id, date, minutes: 45 } },
  });
  const starts_at = free.data!.data[0].starts_at;
  const booking = { customer_id: id, starts_at, minutes: 45, type_id: types[0].id, staff_ids: [me.id] };
  const booked = await client.POST("/api/v1/appointments", { body: booking });
  expect(booked.response.status).toBe(201);
  const taken = await client.POST("/api/v1/appointments", { body: booking });
  expect(taken.error?.errors?.[0].pointer).toBe("/starts_at");
  const kept = await client.GET("/api/v1/customers/{id}/appointments", { params: { path: { id } } });
  expect(kept.data?.data.map((line) => line.id)).toEqual([booked.data?.id]);

  // Changed as it was read, and as it was not.
  const seen = { path: { id }, header: { "If-Match": made.response.headers.get("etag")! } };
  const changed = await client.PATCH("/api/v1/customers/{id}", { params: seen, body: { city: "Hamburg" } });
  expect(changed.data?.city).toBe("Hamburg");
  const stale = await client.PATCH("/api/v1/customers/{id}", { params: seen, body: { city: "Bremen" } });
  expect(stale.response.status).toBe(412);
  expect(stale.error?.version).toBe(changed.data?.version);

  // Many at once, read back by the list, and all of it taken back.
  const tag = `fair-${Date.now()}`;
  const many = await client.POST("/api/v1/customers/bulk", {
    body: {
      items: [
        { op: "update", id, values: { tags: [tag] } },
        { op: "create", values: { name: "Ada Berg", tags: [tag] } },
        { op: "create", values: { name: "Ben Tal", tags: [tag] } },
      ],
    },
  });
  expect(many.data?.items.map((item) => item.status)).toEqual([200, 201, 201]);
  const query = { filter: `1:tag.is(${tag})`, sort: "name", size: 2 };
  const page = await client.GET("/api/v1/customers", { params: { query } });
  expect(page.data?.data.map((line) => line.name)).toEqual(["Ada Berg", "Ben Tal"]);
  const rest = await client.GET("/api/v1/customers", { params: { query: { ...query, after: page.data!.next! } } });
  expect(rest.data?.data.map((line) => line.name)).toEqual(["Nordlicht Feinkost"]);
  const undone = await client.POST("/api/v1/commands/{id}/undo", { params: { path: { id: many.data!.batch! } } });
  expect(undone.data?.undone).toBe(3);

  await client.POST("/api/v1/appointments/{id}/status", {
    params: { path: { id: booked.data!.id } },
    body: { status: "cancelled", reason: "It was a test." },
  });
  const gone = await client.DELETE("/api/v1/customers/{id}", { params: { path: { id } } });
  expect(gone.response.status).toBe(204);
});
