/** Makes the pictures of the documentation: `node docs/pictures/make.mjs`. Needs Chromium and tmux; the terminal is a real one. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { pathToFileURL } from "node:url";
import Anser from "anser";
import { chromium } from "playwright-core";

const here = import.meta.dirname;
const bt = path.join(here, "../../dist/bt.cjs");
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bt-pictures-"));
const columns = 92;
const rows = 16;

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  for (const name of ["builderfile.ts", "work.sh"]) fs.copyFileSync(path.join(here, name), path.join(folder, name));
  for (const name of ["sources.lock", "toolchain.conf", "kernel.conf", "packages.yaml", "boot.exp"])
    fs.writeFileSync(path.join(folder, name), "1\n");
  await photographTerminal(watchRun());
  fs.writeFileSync(path.join(folder, "kernel.conf"), "2\n");
  fs.writeFileSync(path.join(folder, "broken"), "");
  try {
    execFileSync(process.execPath, [bt, "publish", "-j4", "-k", "--report", "report.html"], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder },
      stdio: "ignore",
    });
  } catch {
    // It is meant to fail: the picture shows that.
  }
  await photographReport(path.join(folder, "report.html"));
} finally {
  await browser.close();
  fs.rmSync(folder, { recursive: true, force: true });
}

/** What is on the screen while the compilers are built, with its colours. The run goes on to its end. */
function watchRun() {
  const socket = path.join(folder, "tmux");
  const tmux = (...args) => execFileSync("tmux", ["-S", socket, "-f", "/dev/null", ...args], { encoding: "utf8" });
  const bash = `env -i PATH="$PATH" HOME=${folder} TERM=tmux-256color LANG=C.UTF-8 PS1='$ ' bash --norc --noprofile`;
  tmux("new-session", "-d", "-x", String(columns), "-y", String(rows), "-c", folder, bash);
  try {
    tmux("set-option", "-g", "status", "off");
    tmux("send-keys", `bt() { ${process.execPath} ${bt} "$@"; }; clear`, "Enter");
    tmux("send-keys", "bt publish -j6; touch ended", "Enter");
    const seen = until(() => {
      const screen = tmux("capture-pane", "-e", "-p");
      return /packages +[1-9] s/.test(screen) && /toolchain ×[34]/.test(screen) ? screen : undefined;
    });
    until(() => (fs.existsSync(path.join(folder, "ended")) ? true : undefined));
    return seen.trimEnd().replace("; touch ended", "");
  } finally {
    tmux("kill-server");
  }
}

function until(look) {
  for (let tries = 0; tries < 600; tries++) {
    const found = look();
    if (found !== undefined) return found;
    execFileSync("sleep", ["0.05"]);
  }
  throw new Error("What the picture waits for never came.");
}

async function photographTerminal(screen) {
  const html = Anser.ansiToHtml(Anser.escapeForHtml(screen));
  const style = `body{margin:0;background:#fff}pre{display:inline-block;margin:0;padding:18px 22px;width:${columns}ch;border-radius:10px;
    background:#10161f;color:#dce3ec;font:14px/1.45 "DejaVu Sans Mono",monospace}`;
  const page = await browser.newPage({ deviceScaleFactor: 1.5 });
  await page.setContent(`<!doctype html><meta charset="utf-8"><style>${style}</style><pre>${html}</pre>`);
  await page.locator("pre").screenshot({ path: path.join(here, "../terminal.png"), omitBackground: true });
}

async function photographReport(file) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1240 }, colorScheme: "light" });
  await page.goto(pathToFileURL(file).href);
  await page.screenshot({ path: path.join(here, "../report.png") });
}
