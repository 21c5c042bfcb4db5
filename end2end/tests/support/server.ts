// The server under test. script/test starts it on an empty database and says here where it is.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

function variable(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: "script/test browser" starts a server and sets it.`);
  return value;
}

/** The checkout. */
export const ROOT = join(__dirname, "..", "..", "..");

export const server = {
  /** Its address, without a slash at the end. */
  url: variable("RAPPORT_URL").replace(/\/$/, ""),
  /** Whether it is what people get: a debug build is neither small nor quick. */
  isRelease: !variable("RAPPORT_BINARY").includes("/debug/"),
};

/** The one-time token that the server printed when it started. */
export function setUpToken(): string {
  const token = /\b[0-9A-Z]{5}(-[0-9A-Z]{5}){5}\b/.exec(readFileSync(variable("RAPPORT_LOG"), "utf8"));
  if (!token) throw new Error("The server printed no set-up token.");
  return token[0];
}

/** Runs the program itself, on the server's database. `input` is what is typed. */
export function rapport(args: string[], input = ""): { status: number | null; output: string } {
  const run = spawnSync(variable("RAPPORT_BINARY"), args, { cwd: ROOT, encoding: "utf8", input, timeout: 30_000 });
  if (run.error) throw run.error;
  return { status: run.status, output: run.stdout + run.stderr };
}
