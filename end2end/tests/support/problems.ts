// What a browser complains about, in the console and on the network. Any complaint that a test does not expect fails it.

import type { BrowserContext } from "@playwright/test";

export class Problems {
  readonly list: string[] = [];
  private readonly statuses = new Set<number>();
  private offline = false;
  private scriptless = false;

  /** The test provokes answers of this status. */
  expectStatus(...statuses: number[]): void {
    for (const status of statuses) this.statuses.add(status);
  }

  /** The test cuts the connection. */
  expectOffline(): void {
    this.offline = true;
  }

  /** The browser runs no script. */
  expectNoScript(): void {
    this.scriptless = true;
  }

  watch(context: BrowserContext): void {
    context.on("console", (message) => {
      if (!["error", "warning"].includes(message.type())) return;
      const text = message.text();
      const status = /^Failed to load resource: the server responded with a status of (\d+)/.exec(text);
      if (status && this.statuses.has(Number(status[1]))) return;
      if (this.offline && text.includes("net::ERR_INTERNET_DISCONNECTED")) return;
      this.list.push(`console ${message.type()} on ${message.page()?.url()}: ${text}`);
    });
    context.on("weberror", (error) => this.list.push(`page error: ${error.error().stack ?? error.error()}`));
    context.on("response", (response) => {
      const status = response.status();
      if (status < 400 || this.statuses.has(status)) return;
      this.list.push(`${status} for ${response.request().method()} ${response.url()}`);
    });
    context.on("requestfailed", (request) => {
      const why = request.failure()?.errorText ?? "";
      // A page that is left, or a search that is overtaken, ends its requests.
      if (why === "net::ERR_ABORTED" || (this.offline && why === "net::ERR_INTERNET_DISCONNECTED")) return;
      // What was announced to be needed is not fetched when it cannot be run.
      if (this.scriptless && why === "csp" && request.resourceType() === "script") return;
      this.list.push(`${why} for ${request.method()} ${request.url()}`);
    });
  }
}
