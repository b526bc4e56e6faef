/** What is wrong with the options of a remote cache, and what bt's doctor says of one. */
import { expect, test } from "vitest";
import { freePort } from "../../support/registry.ts";
import { project, type Project } from "../../support/project.ts";
import { testWith } from "../../support/tool.ts";
import { startNginx } from "./rig.ts";

async function projectWith(options: string, task = ""): Promise<Project> {
  return project({
    "builderfile.ts": `import { defineBuilder, param, task } from "builderfile";
import { remoteCache } from "builderfile/plugins/remote-cache";
export default defineBuilder({
  plugins: [remoteCache(${options})],
  tasks: { bake: task({ ${task} inputs: [], run: "true" }) },
});
`,
  });
}

test.each<[options: string, problem: string]>([
  ['{ url: "cache" }', 'The URL of the remote cache cannot be read: "cache"'],
  ['{ url: "https://baker:crumb/1@cache:x/y" }', 'The URL of the remote cache cannot be read: "https://cache:x/y"'],
  ['{ url: "ftp://cache/x" }', 'The URL of the remote cache is neither http nor https: "ftp://cache/x"'],
  ['{ url: "https://baker:crumb@cache/x" }', 'The URL of the remote cache holds a login: "https://cache/x"'],
  ['{ url: "https://cache/x?token=crumb" }', 'The URL of the remote cache has more than a path: "https://cache/x"'],
])("CACHE_URL: %s", async (options, problem) => {
  const p = await projectWith(options);

  const result = await p.bt("bake");

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain(problem);
  expect(result.stderr).not.toContain("crumb");
});

test.each([
  ['"Release"', '"Release" is no name of a trust domain'],
  ['["protected", "pr/7"]', '"pr/7" belongs to a pull request'],
])("CACHE_DOMAIN: %s", async (domain, problem) => {
  const p = await projectWith(`{ url: "http://cache", domain: ${domain} }`);

  const result = await p.bt("bake");

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain(problem);
});

test.each([
  ['env: ["BT_CACHE_WRITER"],', "BT_CACHE_WRITER"],
  ['params: { key: param.string({ env: "BT_CACHE_KEY", default: "" }) },', "BT_CACHE_KEY"],
])("CACHE_CREDENTIAL_DECLARED: no task may ask for what lets bt write: %s", async (task, variable) => {
  const options = `{ url: "http://cache", write: { env: "BT_CACHE_WRITER" }, signature: { kind: "hmac", key: { env: "BT_CACHE_KEY" } } }`;
  const p = await projectWith(options, task);

  const result = await p.bt("bake");

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain(
    `bt: Task "bake" would get the variable ${variable}, which lets bt write into the remote cache\n`,
  );
});

test("a dry run and the list ask no server", async () => {
  const p = await projectWith(`{ url: "http://127.0.0.1:${await freePort()}" }`);

  const [dry, list] = [await p.bt("-n", "bake"), await p.bt()];

  expect([dry.exitCode, dry.stderr, list.exitCode, list.stderr]).toEqual([0, "", 0, ""]);
});

testWith("nginx")("the doctor says what this run may do, and that a server does not answer", async () => {
  const { url } = await startNginx();
  const gone = `http://127.0.0.1:${await freePort()}`;
  const there = await projectWith(`{ url: "${url}", write: { env: "BT_CACHE_WRITER" } }`);
  const away = await projectWith(`{ url: "${gone}" }`);
  const env = { BT_CACHE_WRITER: "baker:crumb" };

  expect((await there.btWith({ env }, "--doctor")).stdout).toContain("reads protected; writes protected");
  expect((await there.bt("--doctor")).stdout).toContain("reads protected; does not write: BT_CACHE_WRITER is not set");
  expect((await there.btWith({ env: { ...env, CHANGE_ID: "7" } }, "--doctor")).stdout).toContain(
    "reads pr/7, protected as a pull request; writes pr/7",
  );
  expect((await away.bt("--doctor")).stdout).toContain(`curl -v ${gone}`);
});
