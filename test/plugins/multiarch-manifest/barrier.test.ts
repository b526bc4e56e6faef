/** Publishing with bt when everything ends in the middle: a registry that fails from one request on, and bt killed in each phase. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { startSpoiler } from "../../support/fake-registry.ts";
import { makeIndex } from "../../support/group.ts";
import { project, type Project } from "../../support/project.ts";
import { digestAt, send } from "../../support/publish.ts";
import { startRegistry } from "../../support/registry.ts";
import { testWith } from "../../support/tool.ts";

const test = testWith("docker-registry");

/** A project without images of its own: what is published is said on the command line. */
const shop = (): Promise<Project> =>
  project({
    "builderfile.ts": `import { defineBuilder } from "builderfile";
import { multiarchManifest } from "builderfile/plugins/multiarch-manifest";
export default defineBuilder({ plugins: [multiarchManifest()] });
`,
  });

const source = ({ layout, descriptor }: Awaited<ReturnType<typeof makeIndex>>): string =>
  `SOURCES=oci:${layout.dir}@${descriptor.digest}`;

test("bt changes nothing, or everything, whichever request is the first that a registry answers with 500", async () => {
  const { host } = await startRegistry();
  const [p, old, fresh] = [await shop(), await makeIndex("old", ["amd64"]), await makeIndex("new", ["amd64"])];
  await p.bt("manifest:push", `IMAGE=${host}/bake/whole:1`, source(fresh));
  const whole = await digestAt(host, "bake/whole", "1");
  const outcomes: object[] = [];
  const expected: object[] = [];

  for (let k = 1, exitCode: number | undefined = 1; exitCode !== 0; k++) {
    await send([{ name: "rye", image: old, to: `${host}/bake/rye-${k}:1` }]);
    let puts = 0;
    const proxy = await startSpoiler(host, ({ method, url }, n) => {
      if (n >= k) return 500;
      if (method === "PUT" && url === `/v2/bake/rye-${k}/manifests/1`) puts++;
      return undefined;
    });
    ({ exitCode } = await p.bt("manifest:push", `IMAGE=${proxy.host}/bake/rye-${k}:1`, source(fresh)));

    outcomes.push({ k, exitCode, tag: await digestAt(host, `bake/rye-${k}`, "1") });
    const isLast = proxy.seen.length < k;
    expected.push({ k, exitCode: isLast ? 0 : 1, tag: puts > 0 ? whole : old.descriptor.digest });
  }

  expect(outcomes).toEqual(expected);
  expect(outcomes.at(-1)).toMatchObject({ exitCode: 0, tag: whole });
}, 300_000);

/** A phase, the request at which bt is killed, which never arrives, and the tags that have moved by then. */
test.for<[string, (asked: string, before: readonly string[]) => boolean, ("1" | "latest")[]]>([
  ["collect", (asked) => asked.startsWith("GET /v2/mill/flour/blobs/"), []],
  ["probe", (asked) => asked === "POST /v2/bake/rye/blobs/uploads/", []],
  ["upload", (asked) => asked.startsWith("PUT /v2/bake/rye/manifests/sha256:"), []],
  ["verify", (asked) => asked.startsWith("GET /v2/bake/rye/manifests/sha256:"), []],
  ["tags", (asked) => asked === "PUT /v2/bake/rye/manifests/1", []],
  ["between two tags", (asked) => asked === "PUT /v2/bake/rye/manifests/latest", ["1"]],
  [
    "read-back",
    (asked, before) => asked === "GET /v2/bake/rye/manifests/1" && before.includes("PUT /v2/bake/rye/manifests/latest"),
    ["1", "latest"],
  ],
])(
  "bt is killed in the phase %s: no tag moved but by that phase, and the next run completes",
  async ([, isMoment, moved]) => {
    const { host } = await startRegistry();
    const [p, old, fresh] = [await shop(), await makeIndex("old"), await makeIndex("new")];
    await send([{ name: "flour", image: fresh, to: `${host}/mill/flour:1` }]);
    await send([{ name: "rye", image: old, to: `${host}/bake/rye:1`, alsoTags: ["latest"] }]);
    let kill: (() => void) | undefined;
    const proxy = await startSpoiler(host, ({ method, url }, n) => {
      if (kill === undefined || !isMoment(`${method} ${url}`, proxy.seen.slice(0, n - 1))) return undefined;
      kill();
      return 500;
    });
    const push = [
      "manifest:push",
      `IMAGE=${proxy.host}/bake/rye:1`,
      "TAGS=latest",
      `SOURCES=${proxy.host}/mill/flour:1`,
    ];
    const tags = async (): Promise<Readonly<Record<"1" | "latest", string | undefined>>> => ({
      1: await digestAt(host, "bake/rye", "1"),
      latest: await digestAt(host, "bake/rye", "latest"),
    });

    const running = p.start({}, ...push);
    kill = () => void running.child.kill("SIGKILL");
    const { signal } = await running.ended;
    const left = await tags();
    kill = undefined;
    const again = await p.bt(...push);

    const now = await tags();
    const was = { 1: old.descriptor.digest, latest: old.descriptor.digest };
    expect([signal, left]).toEqual(["SIGKILL", { ...was, ...Object.fromEntries(moved.map((tag) => [tag, now[tag]])) }]);
    expect(again).toMatchObject({ exitCode: 0, stderr: "" });
    expect(again.stdout.includes("an interrupted run may have moved some of")).toBe(
      isMoment("PUT /v2/bake/rye/manifests/1", []) || moved.length > 0,
    );
    expect([now[1] === now.latest, now[1] === was[1]]).toEqual([true, false]);
    expect(readdirSync(join(p.root, ".bt/publish"))).toEqual([]);
  },
);
