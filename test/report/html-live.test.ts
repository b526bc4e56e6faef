/** A run that is watched in a browser while it goes on, and who may not watch it. */
import * as http from "node:http";
import { expect, test } from "vitest";
import { hasBrowser, visit } from "../support/browser.ts";
import { project, withTasks, type Project, type Running } from "../support/project.ts";

const canLook = hasBrowser || process.env["CI"] !== undefined;

/** Two tasks, of which the first waits for a file. */
const patience = withTasks({
  rise: `task({ run: "echo rising; until [ -e warm ]; do sleep 0.05; done; echo risen" })`,
  bake: `task({ needs: ["rise"], run: () => ({ digest: "sha256:${"ab".repeat(32)}", reference: "quay.io/bake/bread" }) })`,
});

/** Starts a watched run; its address is what bt says. */
async function watched(): Promise<{ readonly p: Project; readonly run: Running; readonly url: string }> {
  const p = await project({ "builderfile.ts": patience });
  const run = p.start({}, "bake", "--ui", "-j2");
  const url = await new Promise<string>((resolve, reject) => {
    let said = "";
    run.child.stderr?.on("data", (text: string) => {
      said += text;
      const [found] = /http:\/\/\S+\//.exec(said) ?? [];
      if (found !== undefined) resolve(found);
    });
    void run.ended.then(({ stderr }) => reject(new Error(`It never said where: ${stderr}`)));
  });
  return { p, run, url };
}

/** What an address answers. Undefined: nobody does. */
function ask(url: string, options: http.RequestOptions = {}): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = http.get(url, { agent: false, ...options }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.once("error", () => resolve(undefined));
  });
}

test.skipIf(!canLook)("--ui shows a task becoming done, and stays readable when the run has ended", async () => {
  const { p, run, url } = await watched();

  const { page, requests, mistakes } = await visit(url);
  await page.locator("#graph .box.is-running", { hasText: "rise" }).waitFor();
  expect(await page.getByRole("status").first().textContent()).toBe("▸ Running");
  await page.locator("#graph .box", { hasText: "rise" }).click();
  await page.locator("dialog .log .line", { hasText: /^rising$/ }).waitFor();
  p.write("warm", "");
  await page.locator("dialog .log .line", { hasText: /^risen$/ }).waitFor();

  expect(await run.ended).toMatchObject({ exitCode: 0 });
  await page.locator("#graph .box.is-ran", { hasText: "bake" }).waitFor();
  expect(await page.getByRole("status", { includeHidden: true }).first().textContent()).toBe("✔ Succeeded");
  expect(await page.locator("#images tbody").textContent()).toContain("quay.io/bake/bread");
  expect(await page.getByRole("dialog", { name: "rise" }).isVisible()).toBe(true);
  expect({ requests, mistakes }).toEqual({ requests: [`${url}events`], mistakes: [] });
});

test("--ui answers only who knows its address, by its own name", async () => {
  const { p, run, url } = await watched();
  const { origin, host } = new URL(url);

  expect(host).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(await ask(url)).toBe(200);
  for (const wrong of ["/", "/events", "/favicon.ico", `/${"A".repeat(32)}/`, `/${"A".repeat(32)}/events`])
    expect(await ask(`${origin}${wrong}`)).toBe(403);
  expect(await ask(url, { headers: { host: "evil.example" } })).toBe(403);
  expect(await ask(url, { method: "POST" })).toBe(405);
  expect(await ask(`${url}more`)).toBe(404);
  p.write("warm", "");
  await run.ended;
  expect(await ask(url)).toBeUndefined();
});

test("a reader who does not read neither delays the run nor keeps it", async () => {
  const { p, run, url } = await watched();
  const deaf = http.get(`${url}events`, { agent: false }, (response) => void response.pause());
  deaf.on("error", () => {});
  await new Promise((resolve) => deaf.once("response", resolve));

  p.write("warm", "");

  expect(await run.ended).toMatchObject({ exitCode: 0 });
  deaf.destroy();
});
