/** The page of a run in a real browser, as people use it: with the mouse, with the keyboard, by its words. */
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import type { BrowserContextOptions } from "playwright-core";
import { expect, test } from "vitest";
import { hasBrowser, visit, type Visit } from "../support/browser.ts";
import { project, withTasks, type Project } from "../support/project.ts";

const canLook = hasBrowser || process.env["CI"] !== undefined;
const digest = `sha256:${"ab".repeat(32)}`;

/** mix → bake ×2 → pack, and sell, which fails and blocks close. */
const bakery = withTasks({
  mix: `task({ description: "Mixes the dough", inputs: ["flour"], outputs: ["dough"], run: "cat flour > dough" })`,
  bake: `task({ matrix: { oven: ["hot", "cold"] }, needs: ["mix"], run: "printf '\\\\033[31mred\\\\033[0m crust\\\\nplain\\\\n'" })`,
  pack: `task({ needs: ["bake"], run: () => ({ reference: "quay.io/bake/bread:1", digest: "${digest}", platforms: { "linux/arm64": { digest: "${digest}" } } }) })`,
  sell: `task({ needs: ["pack"], run: "echo nobody buys; exit 3" })`,
  close: `task({ needs: ["sell", "pack"], run: "true" })`,
});

async function open(p: Project, file: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const [name = "", hash] = file.split("#");
  const url = pathToFileURL(path.join(p.root, name)).href;
  return await visit(hash === undefined ? url : `${url}#${hash}`, options);
}

async function baked(): Promise<Project> {
  const p = await project({ "builderfile.ts": bakery, flour: "rye" });
  await p.bt("close", "-j2", "--report", "report.html");
  return p;
}

let text: Promise<string> | undefined;

/** The bakery's page alone; it is baked once. */
async function report(): Promise<Project> {
  text ??= baked().then(({ read }) => read("report.html"));
  return await project({ "report.html": await text });
}

test.skipIf(!canLook)(
  "a report shows how a run ended, its graph, timeline, tasks and images, and loads nothing",
  async () => {
    const p = await report();

    const { page, requests, mistakes } = await open(p, "report.html");

    expect(await page.locator("h1").textContent()).toBe("close");
    expect(await page.getByRole("status").first().textContent()).toBe("✖ Failed, exit code 1");
    expect(await page.locator("#failures").textContent()).toContain("nobody buys");
    expect(await page.locator("#graph .box").count()).toBe(7);
    expect(await page.locator("#graph .box.chain").count()).toBeGreaterThan(2);
    expect(await page.locator("#timeline .bar").count()).toBe(5);
    expect(await page.locator("#tasks tbody tr").count()).toBe(7);
    expect(await page.locator("#tasks tbody tr", { hasText: "close" }).textContent()).toContain('"sell" failed');
    expect(await page.locator("#images tbody tr").allTextContents()).toEqual([
      `packquay.io/bake/bread:1${digest}`,
      `packquay.io/bake/bread:1linux/arm64${digest}`,
    ]);
    expect({ requests, mistakes }).toEqual({ requests: [], mistakes: [] });
  },
);

test.skipIf(!canLook)("--graph=html is such a page of what would run, and runs nothing", async () => {
  const p = await project({ "builderfile.ts": bakery, flour: "rye" });
  await p.bt("mix");
  const runs = (await p.bt("--runs")).stdout;

  p.write("graph.html", (await p.bt("--graph=html", "close")).stdout);

  const { page, requests, mistakes } = await open(p, "graph.html");
  expect(await page.locator("h1").textContent()).toBe("close");
  expect(await page.locator("#graph .box").count()).toBe(7);
  expect(await page.getByRole("row", { name: /^mix/ }).textContent()).toContain("up to date");
  expect(await page.getByRole("row", { name: /^sell/ }).textContent()).toContain("it declares no inputs");
  expect(await page.locator("#timeline").isVisible()).toBe(false);
  expect({ requests, mistakes }).toEqual({ requests: [], mistakes: [] });
  expect((await p.bt("--runs")).stdout).toBe(runs);
});

test.skipIf(!canLook)("the page of a dry run tells what would run, and no times", async () => {
  const p = await project({ "builderfile.ts": bakery, flour: "rye" });
  await p.bt("mix");
  await p.bt("close", "-n", "--report", "dry.html");

  const { page } = await open(p, "dry.html");

  expect(await page.getByRole("heading", { level: 2 }).allTextContents()).toEqual(["Graph", "Tasks"]);
  expect(await page.locator("dl.tiles").textContent()).toBe("To run5Up to date1");
  const row = page.getByRole("row", { name: /^sell/ });
  expect(await row.getByRole("cell").allTextContents()).toEqual(["▹ to run", "it declares no inputs", "pack"]);
  expect(await page.getByRole("row", { name: /^bake group/ }).count()).toBe(1);
});

test.skipIf(!canLook)("a task is found in the graph, and a click on it tells all about it", async () => {
  const { page } = await open(await report(), "report.html");

  await page.getByLabel("Find a task in the graph").fill("mix");
  expect(await page.locator("#graph .box.hit").count()).toBe(1);
  await page.getByLabel("Find a task in the graph").press("Enter");
  await page.locator("#graph .box.hit").click();

  const detail = page.getByRole("dialog", { name: "mix" });
  const text = (await detail.textContent()) ?? "";
  for (const part of ["Mixes the dough", "ran", "it has never run", "cat flour > dough", "It printed nothing."])
    expect(text).toContain(part);
  expect(text).toMatch(/Key[0-9a-f]{64}/);
  await detail.getByText("What the key is made of").click();
  expect(await detail.getByRole("rowheader", { name: "flour" }).count()).toBe(1);
  await detail.getByRole("button", { name: "Close" }).click();
  expect(await detail.count()).toBe(0);
});

test.skipIf(!canLook)("a log has the colours of the terminal, and is searched line by line", async () => {
  const p = await report();

  const { page } = await open(p, `report.html#task=${encodeURIComponent("bake:hot")}`);

  const red = page.locator("dialog .log .fg-ansi-red");
  expect(await red.textContent()).toBe("red");
  expect(await page.locator("dialog .log .line").allTextContents()).toContain("red crust");
  await page.getByLabel("Search the log").fill("PLAIN");
  expect(await page.locator("dialog .line.hit").allTextContents()).toHaveLength(2);
  expect(await page.locator("dialog .log-view output").textContent()).toBe("line 1 of 2");
  await page.getByLabel("Search the log").fill("rye");
  expect(await page.locator("dialog .log-view output").textContent()).toBe("nothing found");
});

test.skipIf(!canLook)("everything is reached with the keyboard alone", async () => {
  const { page } = await open(await report(), "report.html");
  const focused = async (): Promise<string> =>
    await page.evaluate<string>(
      `document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent`,
    );

  await page.keyboard.press("Tab");
  expect(await focused()).toBe("Skip to the report");
  await page.locator("#graph .box[tabindex='0']").focus();
  const first = await focused();
  await page.locator("#graph .box", { hasText: "mix" }).focus();
  await page.keyboard.press("ArrowRight");
  expect(await focused()).toMatch(/^bake:(hot|cold), ran/);
  await page.keyboard.press("ArrowLeft");
  expect(await focused()).toMatch(/^mix, ran/);
  await page.keyboard.press("Enter");
  expect(await page.getByRole("dialog", { name: "mix" }).count()).toBe(1);
  await page.keyboard.press("Escape");
  expect(await page.getByRole("dialog").count()).toBe(0);
  expect(await focused()).toMatch(/^mix, ran/);
  expect(first).not.toBe("");
  await page.locator("#timeline .bar", { hasText: "mix" }).focus();
  await page.keyboard.press("ArrowRight");
  expect(await focused()).toMatch(/^bake:(hot|cold), ran, from/);
});

test.skipIf(!canLook)(
  "a screen reader hears landmarks, headings, and a table that says what the graph shows",
  async () => {
    const { page } = await open(await report(), "report.html");

    for (const role of ["banner", "navigation", "main"] as const) expect(await page.getByRole(role).count()).toBe(1);
    expect(await page.getByRole("heading", { level: 2 }).allTextContents()).toEqual([
      "Failures",
      "Graph",
      "Timeline",
      "Tasks",
      "Images",
    ]);
    const row = page.getByRole("row", { name: /^close/ });
    expect(await row.getByRole("cell").allTextContents()).toEqual(["⊝ blocked", "", '"sell" failed', "sell, pack"]);
    const nameless = await page.evaluate<readonly string[]>(
      `[...document.querySelectorAll("button:not([hidden]), input, [role=button]")]
      .filter((one) => !(one.getAttribute("aria-label") ?? one.closest("label")?.textContent ?? one.textContent).trim())
      .map((one) => one.outerHTML)`,
    );
    expect(nameless).toEqual([]);
  },
);

test.skipIf(!canLook)("the table of tasks is filtered by words and outcomes, and sorted", async () => {
  const { page } = await open(await report(), "report.html");
  const names = async (): Promise<readonly string[]> =>
    await page.locator("#tasks tbody tr:visible th").allTextContents();

  await page.getByRole("button", { name: "Task", exact: true }).click();
  expect(await names()).toEqual(["bake", "bake:cold", "bake:hot", "close", "mix", "pack", "sell"]);
  await page.getByLabel("Filter the tasks").fill("BAKE");
  expect(await names()).toEqual(["bake", "bake:cold", "bake:hot"]);
  await page.getByLabel("Filter the tasks").fill("");
  await page.locator("#tasks").getByRole("button", { name: "failed 1" }).click();
  expect(await names()).toEqual(["sell"]);
  expect(await page.locator("#tasks output").textContent()).toBe("1 of 7 tasks");
});

test.skipIf(!canLook)("a past run has a page too, and a later run is compared with the one before", async () => {
  const p = await baked();
  const [first = ""] = JSON.parse((await p.bt("--runs", "--json")).stdout).runs.map(({ id }: { id: string }) => id);
  await p.bt("close", "-j2");

  expect(await p.bt("--report", "old.html", "--run", first)).toMatchObject({ exitCode: 0, stdout: "", stderr: "" });
  expect(await p.bt("--report", "new.html")).toMatchObject({ exitCode: 0, stdout: "", stderr: "" });

  const old = (await open(p, "old.html")).page;
  expect(await old.locator("#comparison").isVisible()).toBe(false);
  expect(await old.locator("#images tbody tr").count()).toBe(2);
  await old.locator("#tasks").getByRole("button", { name: "mix" }).click();
  expect(await old.getByRole("dialog").locator("code.command").allTextContents()).toEqual(["cat flour > dough"]);
  const { page } = await open(p, "new.html");
  expect(await page.locator("#comparison p").textContent()).toContain(`The run before is ${first}`);
  expect(await page.locator("#comparison p").textContent()).toContain("Then 4 ran and 0 were up to date, now 3 and 1.");
});

test.skipIf(!canLook)("where nothing ran there is no timeline and no longest chain", async () => {
  const p = await project({ "builderfile.ts": bakery, flour: "rye" });
  await p.bt("mix");
  await p.bt("mix", "--report", "report.html");

  const { page } = await open(p, "report.html");

  expect(await page.getByRole("heading", { level: 2 }).allTextContents()).toEqual([
    "Graph",
    "Tasks",
    "Since the last run",
  ]);
  expect(await page.locator("dt").allTextContents()).toEqual(["Time", "Ran"]);
});

test.skipIf(!canLook)("no text of a run becomes a script: names, descriptions, logs, values, failures", async () => {
  const nasty = "</script><script>window.hurt=1</script><img src=x onerror=window.hurt=1><!--";
  const p = await project({
    "nasty.txt": `${nasty}\n\u2028\u2029\u001B]8;;javascript:window.hurt=1\u0007link\u001B]8;;\u0007\n`,
    "builderfile.ts": withTasks({
      print: `task({ description: ${JSON.stringify(nasty)}, run: "cat nasty.txt" })`,
      give: `task({ needs: ["print"], run: () => ({ text: ${JSON.stringify(nasty)}, reference: ${JSON.stringify(nasty)}, digest: "${digest}" }) })`,
      fail: `task({ needs: ["give"], run: () => { throw new Error(${JSON.stringify(nasty)}); } })`,
    }),
  });
  await p.bt("fail", "--report", "report.html");

  const { page, requests, mistakes } = await open(p, "report.html#task=print");

  expect(await page.locator("dialog .description").textContent()).toBe(nasty);
  expect(await page.locator("dialog .log .line").allTextContents()).toContain(nasty);
  expect(await page.locator("#failures").textContent()).toContain(nasty);
  expect(await page.locator("#images").textContent()).toContain(nasty);
  expect(await page.evaluate(`"hurt" in window`)).toBe(false);
  expect(await page.locator("img, iframe, body script").count()).toBe(0);
  expect({ requests, mistakes }).toEqual({ requests: [], mistakes: [] });
});

test.skipIf(!canLook)("a secret is on no page", async () => {
  const p = await project({
    "builderfile.ts": withTasks({
      login: `task({ params: { password: param.secret({ env: "PASSWORD", description: "Of the registry" }) }, run: ({ $, params }) => $\`echo the password is \${params.password}\` })`,
    }),
  });
  const run = await p.btWith({ env: { PASSWORD: "sourdough-4711" } }, "login", "--report", "report.html");

  expect(run.exitCode).toBe(0);
  expect(p.read("report.html")).toContain("the password is ***");
  expect(p.read("report.html")).not.toContain("sourdough");
});

test.skipIf(!canLook)("a thousand tasks are all drawn", async () => {
  const p = await project({
    "builderfile.ts": `import { defineBuilder, task } from "builderfile";
const tasks = {};
for (let at = 0; at < 1000; at++)
  tasks["t" + at] = task({ needs: at < 20 ? [] : ["t" + (at - 20), "t" + (at - 20 - (at % 20) + ((at * 7) % 20))], run: "true" });
tasks.all = task({ needs: Object.keys(tasks) });
export default defineBuilder({ tasks });
`,
  });
  await p.bt("all", "-n", "-s", "--report", "report.html");

  const { page, mistakes } = await open(p, "report.html");

  expect(await page.locator("#graph .box").count()).toBe(1001);
  expect(await page.locator("#tasks tbody tr").count()).toBe(1001);
  expect(mistakes).toEqual([]);
});

test.skipIf(!canLook)("the page follows the reader's colours, fits a phone, and prints without its tools", async () => {
  const p = await report();
  const { page } = await open(p, "report.html", { colorScheme: "light", viewport: { width: 400, height: 800 } });
  const back = async (): Promise<string> =>
    await page.evaluate<string>("getComputedStyle(document.body).backgroundColor");

  const light = await back();
  await page.emulateMedia({ colorScheme: "dark" });
  expect(await back()).not.toBe(light);
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(400);
  await page.emulateMedia({ media: "print" });
  expect(await page.getByRole("navigation").isVisible()).toBe(false);
  expect(await page.locator("#tasks table").isVisible()).toBe(true);
});
