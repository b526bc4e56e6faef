import * as fs from "node:fs";
import * as path from "node:path";
import { expect } from "vitest";
import { findCommit } from "../../core/commit.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { run, testWith } from "../support/tool.ts";

const test = testWith("git");
const patient = new AbortController().signal;
const env = { PATH: process.env["PATH"] };

test("the commit of a folder, and whether its files are those of the commit", async () => {
  const root = await temporaryFolder();
  const git = (...words: string[]): Promise<string> =>
    run("git", ["-C", root, "-c", "user.name=baker", "-c", "user.email=baker@example.org", ...words]);
  await git("init", "-q");
  const empty = await findCommit(root, env, patient);
  fs.writeFileSync(path.join(root, "flour"), "rye\n");
  await git("add", ".");
  await git("commit", "-q", "-m", "flour");
  const id = (await git("rev-parse", "HEAD")).trim();
  fs.writeFileSync(path.join(root, "unknown"), "");
  const clean = await findCommit(root, env, patient);

  fs.writeFileSync(path.join(root, "flour"), "wheat and rye\n");

  expect(empty).toBeUndefined();
  expect(clean).toEqual({ id, isDirty: false });
  expect(await findCommit(root, env, patient)).toEqual({ id, isDirty: true });
  expect(await findCommit(root, env, AbortSignal.abort())).toBeUndefined();
});

test("outside of a checkout there is no commit", async () => {
  expect(await findCommit(await temporaryFolder(), env, patient)).toBeUndefined();
});
