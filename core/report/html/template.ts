/** The page as text: data, script and style in one file that loads nothing. Does not know what the data says. */
import { createHash } from "node:crypto";
import type { Page } from "./model.ts";

declare const BT_REPORT_SCRIPT: string;
declare const BT_REPORT_LIVE: string;
declare const BT_REPORT_STYLE: string;

/** A page that shows a run that is over. */
export function renderPage(page: Page): string {
  return render({ title: titleOf(page), script: BT_REPORT_SCRIPT, data: page, connect: "'none'" });
}

/** A page that asks the server it came from for what happens. */
export function renderLivePage(targets: readonly string[]): string {
  return render({ title: `bt ${targets.join(" ")}`, script: BT_REPORT_LIVE, data: {}, connect: "'self'" });
}

function titleOf({ run }: Page): string {
  if (run.isPlan === true) return `bt ${run.targets.join(" ")}: graph`;
  const end = run.exitCode === undefined ? "" : run.exitCode === 0 ? " ✔" : " ✖";
  return `bt ${run.targets.join(" ")}${end}`;
}

interface Parts {
  readonly title: string;
  readonly script: string;
  readonly data: object;
  readonly connect: "'none'" | "'self'";
}

function render({ title, script, data, connect }: Parts): string {
  const style = BT_REPORT_STYLE;
  const policy = [
    "default-src 'none'",
    `script-src '${digestOf(script)}'`,
    `style-src '${digestOf(style)}'`,
    "img-src data:",
    `connect-src ${connect}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>${escapeText(title)}</title>
<style>${style}</style>
</head>
<body>
<noscript><p>This page shows its data with a script that is part of it. Allow scripts to read it.</p></noscript>
<script type="application/json" id="data">${escapeData(data)}</script>
<script>${script}</script>
</body>
</html>
`;
}

function digestOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/** Nothing in the data can end the element it stands in, or open a comment there. */
function escapeData(data: object): string {
  const codes: Readonly<Record<string, string>> = { "<": "\\u003c", "\u2028": "\\u2028", "\u2029": "\\u2029" };
  return JSON.stringify(data).replaceAll(/[<\u2028\u2029]/g, (character) => codes[character] ?? "");
}
