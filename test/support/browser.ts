/** Debian's Chromium without a screen, one for each test file. Knows nothing of bt. */
import * as fs from "node:fs";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { afterAll, onTestFinished } from "vitest";

const program = "/usr/bin/chromium";
/** For each thing that is waited for, on a machine that has much to do. Milliseconds. */
const patienceMs = 55_000;

/** Without it tests are skipped, but for CI. */
export const hasBrowser: boolean = fs.existsSync(program);

let started: Promise<Browser> | undefined;
afterAll(async () => await (await started)?.close());

/** A page of its own, and all that it has asked for besides itself, and all that went wrong in it. */
export interface Visit {
  readonly page: Page;
  readonly requests: readonly string[];
  readonly mistakes: readonly string[];
}

export async function visit(url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  // In CI tests run as root, where the sandbox of Chromium does not work.
  started ??= chromium.launch({
    executablePath: program,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
    timeout: patienceMs,
  });
  const context = await (await started).newContext(options);
  onTestFinished(async () => await context.close());
  context.setDefaultTimeout(patienceMs);
  const page = await context.newPage();
  const [requests, mistakes]: [string[], string[]] = [[], []];
  page.on("request", (request) => {
    if (!request.isNavigationRequest()) requests.push(request.url());
  });
  page.on("pageerror", (error) => mistakes.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") mistakes.push(message.text());
  });
  await page.goto(url);
  return { page, requests, mistakes };
}
