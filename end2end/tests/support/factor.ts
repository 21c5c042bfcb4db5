// An authenticator app, and users who have one.

import { type Cookie, expect } from "@playwright/test";
import { createHmac } from "node:crypto";

import { post } from "./customer";
import { entered, pageOf, PASSWORD } from "./staff";

/** What an app shows of a key (RFC 6238: six digits of SHA-1), now or some steps of 30 seconds later. */
export function code(key: string, later = 0): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...key.replace(/\s/g, "")].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const bytes = bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + later));
  const digest = createHmac("sha1", Buffer.from(bytes)).update(step).digest();
  const number = digest.readUInt32BE(digest[19]! & 15) & 0x7fff_ffff;
  return String(number % 1_000_000).padStart(6, "0");
}

export interface Guarded {
  /** The path of their page. */
  path: string;
  key: string;
  /** Their recovery codes. */
  codes: string[];
  /** Of a browser in which they are signed in. */
  cookies: Cookie[];
}

/** A new user with a second factor. It signs in once, as guessing is limited for all tests together. */
export async function guarded(email: string, name: string): Promise<Guarded> {
  const api = await entered(email, name);
  const factor = async () => (await api.get("/api/fn/session/second-factor")).json();
  const { key } = (await factor()).offer as { key: string };
  // What comes later needs a code of a later step: that of the next one is taken already.
  const on = await post(api, "/second-factor", { current: PASSWORD, code: code(key) });
  expect(on.status(), await on.text()).toBe(303);
  const { codes } = (await factor()) as { codes: string[] };
  const { cookies } = await api.storageState();
  await api.dispose();
  return { path: await pageOf(email), key, codes, cookies };
}
