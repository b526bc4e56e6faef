/** Texts that our sources do not contain, each with the reason. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";

const root = path.join(import.meta.dirname, "..");

/** `where` picks files; absent: all. */
const rows: readonly { readonly pattern: RegExp; readonly reason: string; readonly where?: RegExp }[] = [
  { pattern: /\b(TODO|FIXME|XXX)\b(?!\(#\d+\):)/, reason: "write TODO(#issue): … or do it" },
  { pattern: /\b(test|it|describe)\.only\(/, reason: "other tests would not run", where: /^test\// },
  {
    pattern: /\b(test|it|describe)\.(skip|todo)\(/,
    reason: "assert today's behaviour with // WRONG(#n):",
    where: /^test\//,
  },
  { pattern: /\bvi\.(mock|doMock|spyOn)\(/, reason: "no mocks of our own modules", where: /^test\// },
  { pattern: /\b(beforeEach|afterEach)\(/, reason: "no state shared by tests; use onTestFinished", where: /^test\// },
  { pattern: /setTimeout\(\s*(resolve|done|r)\s*,\s*\d{3}/, reason: "no sleeps: poll a condition", where: /^test\// },
  { pattern: /@ts-(ignore|nocheck)/, reason: "say it in types" },
  { pattern: /@ts-expect-error/, reason: "only the proofs in test/types.ts", where: /^(core|plugins)\// },
  { pattern: /\bas any\b|: any\b|<any>/, reason: "zero any" },
  { pattern: /\bconsole\.\w+\(/, reason: "the engine prints nothing; reports write", where: /^(core|plugins)\// },
  { pattern: /\bprocess\.exit\(/, reason: "only the program ends the process", where: /^(core\/(?!cli\/)|plugins\/)/ },
  { pattern: /\bprocess\.argv\b/, reason: "only cli reads argv", where: /^(core\/(?!cli\/)|plugins\/)/ },
  {
    pattern: /\b(bazel-builder|rpm-deps|side-images|kernel-rootfs|kiwi-dice|multiarch-manifest|remote-cache)\b/,
    reason: "core names no plugin",
    where: /^core\//,
  },
  { pattern: /\.sort\(\(\) =>/, reason: "an order by chance is no order" },
  {
    pattern: /\bexport default\b/,
    reason: "named exports; defaults only where others expect them",
    where: /^core\/(?!evaluate|errors\/builderfile|cli\/)/,
  },
];

/** Keeps its line breaks: places stay what they are. */
const comment = /\/\*\*[^\n]*|^ *\*[^\n]*|(?<!:)\/\/[^\n]*/gm;
const isAboutComments = (pattern: RegExp): boolean => /TODO|@ts-/.test(String(pattern));

const own = path.relative(root, import.meta.filename);
const files = ["core", "plugins", "test"]
  .flatMap((folder) =>
    fs.readdirSync(path.join(root, folder), { recursive: true }).map((name) => `${folder}/${String(name)}`),
  )
  .filter((name) => name.endsWith(".ts") && name !== own);

test.each(rows.map((row) => [String(row.pattern), row] as const))("no %s", (_, { pattern, reason, where }) => {
  const found = files
    .filter((name) => where?.test(name) ?? true)
    .flatMap((name) =>
      fs
        .readFileSync(path.join(root, name), "utf8")
        .replaceAll(isAboutComments(pattern) ? "" : comment, "")
        .split("\n")
        .flatMap((line, at) => (pattern.test(line) ? [`${name}:${at + 1}: ${reason}`] : [])),
    );

  expect(found).toEqual([]);
});

test("every file of core and plugins begins with what it is for", () => {
  const headless = files.filter(
    (name) => /^(core|plugins)\//.test(name) && !fs.readFileSync(path.join(root, name), "utf8").startsWith("/**"),
  );

  expect(headless).toEqual([]);
});

test("every code of an error has exactly one test, and one function that makes it", () => {
  const makers = files
    .filter((name) => name.startsWith("core/errors/"))
    .flatMap((name) =>
      fs
        .readFileSync(path.join(root, name), "utf8")
        .split(/^export function /m)
        .slice(1),
    );
  const codes = makers.map((text) => [
    ...new Set([...text.matchAll(/new BtError\(\s*"([A-Z_]+)"/g)].map(([, code]) => code!)),
  ]);

  expect(codes.filter((own) => own.length !== 1)).toEqual([]);
  expect(new Set(codes.flat()).size).toBe(codes.length);
  expect(
    codes
      .flat()
      .map((code) => `test/errors/${code.toLowerCase().replaceAll("_", "-")}.test.ts`)
      .filter((name) => !files.includes(name)),
  ).toEqual([]);
});
