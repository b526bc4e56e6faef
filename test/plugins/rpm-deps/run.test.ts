/** `bt rpm-deps` around a recording stand-in for bazeldnf: command lines, failure, resumption, locks, crashes. Needs the Debian package strace. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { program, type Project } from "../../support/project.ts";
import { failure, rpmProject, type RpmProject } from "../../support/rpm-project.ts";
import { createRecorder, type Recorder } from "../../support/rpm-recorder.ts";
import { renderRepofile, serveFolder, writeMetadata, type Mirror, type RpmSpec } from "../../support/rpm-repository.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { testWith } from "../../support/tool.ts";

const arches = ["x86_64", "aarch64", "s390x"];
const specs: readonly RpmSpec[] = [
  ...["acl", "coreutils", "tar", "bread", "bakery-release"].map((name) => ({ name, evr: "1.0-1.el9" })),
  ...arches.map((arch) => ({ name: "oven", evr: "17:2.0-1.el9", arch })),
  { name: "seeds", evr: "17:2.0-1.el9", arch: "x86_64" },
];

interface Kitchen {
  readonly p: Project;
  readonly recorder: Recorder;
  readonly mirror: Mirror;
  readonly folder: string;
}

async function kitchen(more: Partial<RpmProject> = {}, launcher: "direct" | "bazel" = "direct"): Promise<Kitchen> {
  const folder = await temporaryFolder();
  writeMetadata(path.join(folder, "os"), specs);
  const mirror = await serveFolder(folder);
  const recorder = await createRecorder(specs);
  const backend = { bin: recorder.bin, launcher, configs: ["x86_64"] };
  const options = { ...more.options, backend };
  const p = await rpmProject({ repofile: renderRepofile(mirror.url, { os: { path: "os" } }), ...more, options });
  return { p, recorder, mirror, folder };
}

const outputs = ["WORKSPACE", "rpm/BUILD.bazel"];
const read = (p: Project): readonly string[] => outputs.map(p.read);

/** Polls until a file is there. */
async function appears(file: string): Promise<void> {
  while (!fs.existsSync(file)) await new Promise((resolve) => setTimeout(resolve, 10));
}

const base = "--basesystem bakery-release";
const list = "--repofile rpm/repo-cs9.yaml";
const python = "--force-ignore-with-dependencies ^python";
/** The original's command lines, without `bazel run`. */
const original = {
  fetch: `fetch ${list}`,
  x86_64: [
    `rpmtree --public --nobest --name tools_x86_64_cs9 ${base} ${python} ${list} acl coreutils tar oven-17:2.0-1.el9 seeds-17:2.0-1.el9`,
    `rpmtree --public --nobest --name shop_x86_64_cs9 ${base} ${list} bread`,
  ],
  aarch64: [
    `rpmtree --public --nobest --name tools_aarch64_cs9 --arch aarch64 ${base} ${python} ${list} acl coreutils tar oven-17:2.0-1.el9`,
    `rpmtree --public --nobest --name shop_aarch64_cs9 --arch aarch64 ${base} ${list} bread`,
  ],
  s390x: [
    `rpmtree --public --nobest --name tools_s390x_cs9 --arch s390x ${base} ${python} ${list} acl coreutils tar oven-17:2.0-1.el9`,
    `rpmtree --public --nobest --name shop_s390x_cs9 --arch s390x ${base} ${list} bread`,
  ],
  prune: "prune",
};
const lines = ({ calls }: Recorder): readonly string[] => calls().map(({ argv }) => argv.join(" "));

test("the direct launcher calls the solver with the original's words, in folders of its own", async () => {
  const { p, recorder } = await kitchen();

  const result = await p.btWith({ env: { BUILD_WORKING_DIRECTORY: "/nowhere" } }, "rpm-deps", "JOBS=1");

  expect(result.exitCode, result.stdout).toBe(0);
  expect(lines(recorder)).toEqual([
    original.fetch,
    ...original.x86_64,
    ...original.aarch64,
    ...original.s390x,
    original.prune,
  ]);
  for (const { cwd, workingDirectory } of recorder.calls()) {
    expect(cwd.startsWith(path.join(p.root, ".bt/rpm-deps/stage/"))).toBe(true);
    expect(workingDirectory).toBeNull();
  }
});

test("the launcher bazel calls `bazel run` as the original does, in place", async () => {
  const groups = {
    tools: {
      main: ["tar", "oven-{OVEN}"],
      arch: { x86_64: ["seeds-{OVEN}"] },
      forceIgnore: ["^python"],
      ldd: [{ rule: "libs_{arch}", libs: ["/usr/lib64/liboven.so"] }],
    },
    shop: { main: ["bread"], noBase: true },
  };
  const { p, recorder } = await kitchen({ options: { groups } }, "bazel");

  const result = await p.bt("rpm-deps");

  expect(result.exitCode, result.stdout).toBe(0);
  const run = (line: string): string => `run --config=x86_64 //:bazeldnf -- ${line}`;
  const arch = (name: "x86_64" | "aarch64" | "s390x"): readonly string[] => [
    ...original[name].map(run),
    run("prune"),
    `run --config=x86_64 --config=cs9 //rpm:ldd_${name}_cs9`,
  ];
  expect(lines(recorder)).toEqual([run(original.fetch), ...arch("x86_64"), ...arch("aarch64"), ...arch("s390x")]);
  expect(new Set(recorder.calls().map(({ cwd }) => cwd))).toEqual(new Set([p.root]));
});

test.each(["direct", "bazel"] as const)("an empty pin is the plain package for the launcher %s", async (launcher) => {
  const { p } = await kitchen({ pins: { cs9: { OVEN: "" } } }, launcher);

  const { stdout } = await p.bt("-n", "rpm-deps", "SINGLE_ARCH=x86_64");

  expect(stdout).toContain(` ${list} acl coreutils tar oven seeds\n`);
});

test("CUSTOM_REPO comes first; names that are taken get a number, disabled repositories are left out", async () => {
  const { p, recorder, mirror } = await kitchen();
  p.write(
    "own.yaml",
    renderRepofile(mirror.url, { os: { path: "os" }, off: { path: "off", more: "  disabled: true\n" } }),
  );
  recorder.behave({ fetch: { fail: "failed to fetch everything" } });

  const result = await p.bt("rpm-deps", "CUSTOM_REPO=own.yaml");

  expect(result.exitCode).toBe(5);
  expect(lines(recorder)).toEqual([`fetch --repofile own.yaml ${list}`]);
});

test("-n says the commands and starts, fetches and writes nothing", async () => {
  const { p, recorder, mirror } = await kitchen();

  const result = await p.bt("-n", "rpm-deps", "SINGLE_ARCH=s390x");

  expect(result.exitCode).toBe(0);
  expect(result.stdout).toContain(`bazeldnf ${original.s390x[0]!.replace("^python", "'^python'")}\n`);
  expect(result.stdout).toContain("would write WORKSPACE and rpm/BUILD.bazel\n");
  expect([recorder.calls(), mirror.requests]).toEqual([[], []]);
  expect(p.exists(".bt/rpm-deps")).toBe(false);
});

test("one tree fails after others: both files stay, and the next run solves only what is left", async () => {
  const { p, recorder } = await kitchen();
  const before = read(p);
  recorder.behave({ shop_s390x_cs9: { fail: "panic: out of flour" } });

  const failed = await p.bt("rpm-deps", "JOBS=1");
  const after = read(p);
  const calls = recorder.calls().length;
  recorder.behave({});
  const resumed = await p.bt("rpm-deps", "JOBS=1");

  expect(failed.exitCode).toBe(1);
  expect(failure(failed)).toContain("The solver failed for shop_s390x_cs9 (s390x, cs9)");
  expect(failure(failed)).toContain("panic: out of flour\n");
  expect(after).toEqual(before);
  expect(resumed.exitCode, resumed.stdout).toBe(0);
  expect(resumed.stdout).toContain("5 trees were solved before");
  expect(lines(recorder).slice(calls)).toEqual([original.fetch, original.s390x[1], original.prune]);
  expect(read(p)[1]).toContain(`"shop_s390x_cs9"`);
});

test("RPM_DEPS_LOCKED: a second run fails at once and names the process", async () => {
  const { p, recorder } = await kitchen();
  const gate = path.join(p.root, "gate");
  recorder.behave({ fetch: { wait: gate } });
  const first = p.start({}, "rpm-deps");
  await appears(`${gate}.waiting`);

  const second = await p.bt("rpm-deps-cs9");
  fs.writeFileSync(gate, "");

  expect(second.exitCode).toBe(1);
  expect(failure(second)).toContain(`Another run is at work, in process ${first.child.pid}\n`);
  expect((await first.ended).exitCode).toBe(0);
});

test("RPM_DEPS_FILES_CHANGED: a file that somebody edits meanwhile stays as it is", async () => {
  const { p, recorder } = await kitchen();
  const gate = path.join(p.root, "gate");
  recorder.behave({ prune: { wait: gate } });
  const running = p.start({}, "rpm-deps");
  await appears(`${gate}.waiting`);
  p.write("WORKSPACE", "# edited\n");
  const before = read(p);
  fs.writeFileSync(gate, "");

  const result = await running.ended;

  expect(result.exitCode).toBe(1);
  expect(failure(result)).toContain("Somebody changed WORKSPACE during the run\n");
  expect(read(p)).toEqual(before);
});

test("a run that is killed while it solves leaves both files, and no lock for the next one", async () => {
  const { p, recorder } = await kitchen();
  const before = read(p);
  const gate = path.join(p.root, "gate");
  recorder.behave({ shop_s390x_cs9: { wait: gate } });
  const running = p.start({}, "rpm-deps");
  await appears(`${gate}.waiting`);
  running.child.kill("SIGKILL");
  await running.ended;
  const after = read(p);
  recorder.behave({});

  const next = await p.bt("rpm-deps");

  expect(after).toEqual(before);
  expect(next.exitCode, next.stdout).toBe(0);
});

/** bt under strace, which kills it when it renames this file. */
function killedAtRename(file: string): readonly string[] {
  const fault = "inject=rename,renameat,renameat2:error=EIO:signal=SIGKILL:when=1";
  return ["strace", "-f", "-qq", "-o", "/dev/null", "-P", file, "-e", fault, process.execPath, program];
}

testWith("strace")("kill -9 between the two renames: the next start brings the pair to its end", async () => {
  const { p } = await kitchen();
  const before = read(p);
  const second = path.join(p.root, "rpm/BUILD.bazel.bt-new");
  const killed = await p.btWith({ program: killedAtRename(second) }, "rpm-deps");
  const between = read(p);

  const next = await p.bt("rpm-deps");

  expect(killed.exitCode).not.toBe(0);
  expect([between[0] === before[0], between[1] === before[1]]).toEqual([false, true]);
  expect(next.exitCode, next.stdout).toBe(0);
  expect(next.stdout).toContain("An interrupted run has been brought to its end: WORKSPACE, rpm/BUILD.bazel");
  expect(next.stdout).toContain("Nothing changed");
  expect(read(p)[1]).toContain(`"tools_s390x_cs9"`);
  expect(fs.readdirSync(p.root).filter((name) => name.includes("bt-new"))).toEqual([]);
});

testWith("strace")("RPM_DEPS_JOURNAL_FOREIGN: what somebody changed after a crash is not overwritten", async () => {
  const { p } = await kitchen();
  const second = path.join(p.root, "rpm/BUILD.bazel.bt-new");
  await p.btWith({ program: killedAtRename(second) }, "rpm-deps");
  p.write("rpm/BUILD.bazel", "# mine\n");

  const next = await p.bt("rpm-deps");

  expect(next.exitCode).toBe(1);
  expect(failure(next)).toContain("git checkout -- rpm/BUILD.bazel");
  expect(p.read("rpm/BUILD.bazel")).toBe("# mine\n");
});

test("in place: a failure brings the old files back, and so does the start after a kill -9", async () => {
  const { p, recorder } = await kitchen({}, "bazel");
  const before = read(p);
  recorder.behave({ shop_s390x_cs9: { fail: "no solution found" } });
  const failed = await p.bt("rpm-deps");
  const afterFailure = read(p);
  const gate = path.join(p.root, "gate");
  recorder.behave({ shop_s390x_cs9: { wait: gate, write: [path.join(p.root, "rpm/BUILD.bazel"), "rpmtree(\n"] } });
  const running = p.start({}, "rpm-deps");
  await appears(`${gate}.waiting`);
  running.child.kill("SIGKILL");
  await running.ended;
  recorder.behave({ fetch: { fail: "dial tcp: no route" } });

  const next = await p.bt("rpm-deps");

  expect(failed.exitCode).toBe(4);
  expect(afterFailure).toEqual(before);
  expect(next.exitCode).toBe(5);
  expect(next.stdout).toContain("What an interrupted run had changed is as before: WORKSPACE, rpm/BUILD.bazel");
  expect(p.read(".bt/rpm-deps/replaced/rpm/BUILD.bazel")).not.toBe(before[1]);
  expect(read(p)).toEqual(before);
});

test("repositories that change during the run are checked again; twice is too often", async () => {
  const once = await kitchen();
  const twice = await kitchen();
  const index = (folder: string): string => path.join(folder, "os/repodata/repomd.xml");
  const text = fs.readFileSync(index(once.folder), "utf8");
  once.recorder.behave({ fetch: { write: [index(once.folder), text.replace("<revision>1", "<revision>2")] } });
  fs.rmSync(index(twice.folder));
  fs.writeFileSync(index(twice.folder), text);
  // Every answer is another one.
  let revision = 1;
  const changing = {
    get text() {
      return text.replace("<revision>1", `<revision>${++revision}`);
    },
  };
  twice.mirror.faults.set("repomd.xml", changing);

  const [good, bad] = [await once.p.bt("rpm-deps"), await twice.p.bt("rpm-deps")];

  expect(good.exitCode, good.stdout).toBe(0);
  expect(good.stdout).toContain("Changed meanwhile, so everything is checked again: os");
  expect(bad.exitCode).toBe(5);
  expect(failure(bad)).toContain("Repositories changed twice during the run: os\n");
});

test("two solvers at once meet each other", async () => {
  const { p, recorder } = await kitchen();
  const [one, two] = [path.join(p.root, "one"), path.join(p.root, "two")];
  recorder.behave({ tools_x86_64_cs9: { wait: one }, shop_x86_64_cs9: { wait: two } });
  const running = p.start({}, "rpm-deps", "JOBS=2");

  await Promise.all([appears(`${one}.waiting`), appears(`${two}.waiting`)]);
  fs.writeFileSync(one, "");
  fs.writeFileSync(two, "");

  expect((await running.ended).exitCode).toBe(0);
});

test.each([
  ["RPM_DEPS_BACKEND_MISSING", ["BAZELDNF=none/bazeldnf"], {}, `The solver "none/bazeldnf" is not installed`],
  [
    "RPM_DEPS_BAZEL_FILE_MALFORMED",
    [],
    { WORKSPACE: `rpm(\n    name = "a",\n    urls = ["x"\n)\n` },
    "at   WORKSPACE:4:1",
  ],
  [
    "RPM_DEPS_BAZEL_FILE_MALFORMED",
    [],
    { "rpm/BUILD.bazel": `rpmtree(\n    name = "a,\n)\n` },
    "at   rpm/BUILD.bazel:2:12",
  ],
  [
    "RPM_DEPS_BAZEL_FILE_MALFORMED",
    [],
    { "rpm/BUILD.bazel": `rpmtree(\n    name = "a",\n` },
    "at   rpm/BUILD.bazel:3:1",
  ],
])("%s: exit 2, and the solver is not started", async (_, words, files, text) => {
  const { p, recorder, mirror } = await kitchen({ files });

  const result = await p.bt("rpm-deps", ...words);

  expect(result.exitCode).toBe(2);
  expect(result.stderr).toContain(text);
  expect([recorder.calls(), mirror.requests]).toEqual([[], []]);
});

test.each(["direct", "bazel"] as const)(
  "an interrupted run (%s) leaves the files as they were, no lock and no stage",
  async (launcher) => {
    const { p, recorder } = await kitchen({}, launcher);
    const before = read(p);
    const gate = path.join(p.root, "gate");
    recorder.behave({ shop_s390x_cs9: { wait: gate } });
    const running = p.start({}, "rpm-deps");
    await appears(`${gate}.waiting`);
    running.child.kill("SIGINT");

    const result = await running.ended;

    expect(result.exitCode ?? result.signal).not.toBe(0);
    expect(read(p)).toEqual(before);
    const left = fs.readdirSync(path.join(p.root, ".bt/rpm-deps"));
    expect(left.filter((name) => !["primary", "repomd", "solved", "replaced", ".gitignore"].includes(name))).toEqual(
      [],
    );
  },
);
