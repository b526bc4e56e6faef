/** `bt rpm-deps:bump`: which versions it takes, and what of the pins file it changes. */
import * as path from "node:path";
import { expect, test } from "vitest";
import type { Project } from "../../support/project.ts";
import { failure, rpmProject } from "../../support/rpm-project.ts";
import { renderRepofile, serveFolder, writeMetadata, type Mirror, type RpmSpec } from "../../support/rpm-repository.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const arches = ["x86_64", "aarch64", "s390x"];
const groups = {
  tools: { main: ["oven-{OVEN}", "oven-door-{OVEN}", "bread-{BREAD}"] },
  shop: { main: ["till-{TILL}"] },
};
const pinsText = `{
  "cs9": {
    "OVEN":   "17:2.0-1.el9",
    "BREAD":  "0:1.0-1.el9",
    "TILL":   { "evr": "0:1.0-1.el9", "hold": "newer drops coins" },
    "EMPTY":  ""
  }
}
`;

/** Versions by package; \`name@arch\` for one architecture only. */
async function shop(versions: Readonly<Record<string, readonly string[]>>): Promise<{ p: Project; mirror: Mirror }> {
  const folder = await temporaryFolder();
  const specs: readonly RpmSpec[] = Object.entries(versions).flatMap(([title, evrs]) => {
    const [name = "", only] = title.split("@");
    return evrs.flatMap((evr) => (only === undefined ? arches : [only]).map((arch) => ({ name, evr, arch })));
  });
  writeMetadata(path.join(folder, "os"), specs);
  const mirror = await serveFolder(folder);
  const p = await rpmProject({
    repofile: renderRepofile(mirror.url, { os: { path: "os" } }),
    options: { groups, base: { main: [] } },
  });
  p.write("rpm/pins.json", pinsText);
  return { p, mirror };
}

const now = { oven: ["17:2.0-1.el9"], "oven-door": ["17:2.0-1.el9"], bread: ["1.0-1.el9"], till: ["1.0-1.el9"] };

test("ONLY=OVEN takes the newest version of all its packages and changes nothing else", async () => {
  const { p } = await shop({
    ...now,
    oven: ["17:2.0-1.el9", "17:2.0-9.el9", "17:2.0-10.el9", "17:2.0-10.el9~beta"],
    "oven-door": ["17:2.0-1.el9", "17:2.0-9.el9", "17:2.0-10.el9"],
    bread: ["1.0-1.el9", "2.0-1.el9"],
  });

  const result = await p.bt("rpm-deps:bump", "ONLY=OVEN");

  expect(result.exitCode, result.stdout).toBe(0);
  expect(result.stdout).toContain("cs9 OVEN 17:2.0-1.el9 → 17:2.0-10.el9\n");
  expect(p.read("rpm/pins.json")).toBe(pinsText.replace("17:2.0-1.el9", "17:2.0-10.el9"));
});

test("a version that one architecture lacks is not taken, and the architecture is named", async () => {
  const { p } = await shop({
    ...now,
    oven: ["17:2.0-1.el9"],
    "oven@x86_64": ["17:3.0-1.el9"],
    "oven@aarch64": ["17:3.0-1.el9"],
    "oven-door": ["17:2.0-1.el9", "17:3.0-1.el9"],
  });

  const result = await p.bt("rpm-deps:bump");

  expect(result.stdout).toContain(
    "cs9 OVEN 17:2.0-1.el9 is the newest; 17:3.0-1.el9 is there too, but not for oven on s390x\n",
  );
  expect(p.read("rpm/pins.json")).toBe(pinsText);
});

test("a held pin stays, with its reason", async () => {
  const { p } = await shop({ ...now, till: ["1.0-1.el9", "2.0-1.el9"] });

  const result = await p.bt("rpm-deps:bump");

  expect(result.stdout).toContain("cs9 TILL 0:1.0-1.el9 is held: newer drops coins (there is 0:2.0-1.el9)\n");
  expect(p.read("rpm/pins.json")).toBe(pinsText);
});

test("a pin that is gone goes down only with --allow-downgrade", async () => {
  const { p } = await shop({ ...now, bread: ["0.9-1.el9"] });

  const kept = await p.bt("rpm-deps:bump");
  const text = p.read("rpm/pins.json");
  await p.bt("rpm-deps:bump", "--allow-downgrade");

  expect(kept.stdout).toContain("Only older versions are left of BREAD: --allow-downgrade takes them");
  expect(text).toBe(pinsText);
  expect(p.read("rpm/pins.json")).toBe(pinsText.replace("0:1.0-1.el9", "0:0.9-1.el9"));
});

test("RPM_DEPS_NEWER_EXIST: CHECK=1 writes nothing and ends with 3", async () => {
  const { p } = await shop({ ...now, bread: ["1.0-1.el9", "2.0-1.el9"] });

  const result = await p.bt("rpm-deps:bump", "CHECK=1");

  expect(result.exitCode).toBe(3);
  expect(failure(result)).toBe("1 pin can be raised\n  fix  Run `bt rpm-deps:bump`.\n");
  expect(p.read("rpm/pins.json")).toBe(pinsText);
});

test("-n judges by what was fetched before: it opens no connection and writes nothing", async () => {
  const { p, mirror } = await shop({ ...now, bread: ["1.0-1.el9", "2.0-1.el9"] });
  await p.bt("rpm-deps:check");
  const asked = mirror.requests.length;

  const result = await p.bt("-n", "rpm-deps:bump");

  expect(result.exitCode, result.stdout).toBe(0);
  expect(result.stdout).toContain("cs9 BREAD 0:1.0-1.el9 → 0:2.0-1.el9\n");
  expect(mirror.requests).toHaveLength(asked);
  expect(p.read("rpm/pins.json")).toBe(pinsText);
});

test("a misspelt pin gets the nearest name", async () => {
  const { p } = await shop(now);

  const result = await p.bt("rpm-deps:bump", "ONLY=OVNE");

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain(`Write "OVEN".`);
});
