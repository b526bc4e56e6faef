/** Foreign architectures: what is decided from the facts of a machine, and what a namespace with its own binfmt_misc really does. */
import { spawn, spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isBtError, type Arch } from "../../../core/index.ts";
import { decideEmulation, wrapCommand, type Emulation } from "../../../plugins/images/emulation.ts";
import { readMachine, type Machine } from "../../../plugins/images/machine.ts";
import { until } from "../../support/processes.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { testWith } from "../../support/tool.ts";
import { foreignProgram } from "./foreign.ts";
import { render } from "./rig.ts";

const able: Machine = {
  host: "amd64",
  kernel: "6.7.0",
  isRoot: true,
  handled: [],
  rules: ["arm64", "s390x"],
  missing: [],
};

function decide(arches: readonly Arch[], facts: Partial<Machine> = {}, options = {}): Emulation | string {
  try {
    const machine = { ...able, ...facts };
    return decideEmulation(arches, { mode: "auto", engine: "buildah", machine, ...options });
  } catch (error) {
    if (!isBtError(error)) throw error;
    return render(error);
  }
}

test("what the processor runs itself needs no emulation", () => {
  expect(decide(["amd64", "386"])).toEqual({ kind: "none" });
  expect(decide(["arm64", "arm/v7"], { host: "arm64" })).toEqual({ kind: "none" });
  expect(decide(["s390x"], {}, { engine: "embedded", mode: "none" })).toEqual({ kind: "none" });
});

test("the host's handlers are used when all are there, else a namespace for all that are foreign", () => {
  expect(decide(["s390x"], { handled: ["s390x"] })).toEqual({ kind: "host" });
  expect(decide(["s390x", "arm64", "amd64", "arm64"], { handled: ["s390x"] })).toEqual({
    kind: "userns",
    arches: ["arm64", "s390x"],
  });
  expect(decide(["s390x"], { handled: ["s390x"] }, { mode: "userns" })).toEqual({ kind: "userns", arches: ["s390x"] });
});

test("other systems than Linux bring their own emulation", () => {
  const { kernel: _, ...mac } = able;
  const machine = { ...mac, host: "arm64" as const, isRoot: false };
  expect(decideEmulation(["amd64"], { mode: "auto", engine: "docker", machine })).toEqual({ kind: "host" });
});

const refusals: readonly (readonly [string, Partial<Machine>, object, string])[] = [
  [
    "it is switched off",
    {},
    { mode: "none" },
    `IMAGES_EMULATION_OFF
Commands of linux/s390x need emulation on linux/amd64, and emulation is "none"

Set emulation to "auto", or build on a machine of that architecture.`,
  ],
  [
    "the host has no handler and only that was asked for",
    {},
    { mode: "host" },
    `IMAGES_EMULATION_UNHANDLED
This machine's binfmt_misc has no enabled handler with flag F for linux/s390x

Set emulation to "auto", or let an administrator register qemu-user-static.`,
  ],
  [
    "docker needs a handler",
    {},
    { engine: "docker" },
    `IMAGES_EMULATION_UNHANDLED
This machine's binfmt_misc has no enabled handler with flag F for linux/s390x

Use buildah, which needs no handler, or let an administrator register qemu-user-static: docker runs foreign commands only with it.`,
  ],
  [
    "the kernel is too old",
    { kernel: "6.1.0-18-amd64" },
    {},
    `IMAGES_EMULATION_MISSING
Commands of linux/s390x cannot be run here: Linux 6.1.0-18-amd64 has one binfmt_misc for all, without a handler; its own for each namespace came with 6.7

Start a kernel of 6.7 or later, or let an administrator register qemu-user-static.`,
  ],
  [
    "the emulator is not installed",
    { rules: ["arm64"] },
    {},
    `IMAGES_EMULATION_MISSING
Commands of linux/s390x cannot be run here: no emulator for linux/s390x is installed

Install it: \`apt-get install qemu-user-static\`.`,
  ],
  [
    "a program is missing",
    { missing: ["setpriv"] },
    {},
    `IMAGES_EMULATION_MISSING
Commands of linux/s390x cannot be run here: there is no program "setpriv"

Install it: \`apt-get install mount util-linux\`.`,
  ],
  [
    "the user is not root",
    { isRoot: false },
    {},
    `IMAGES_EMULATION_MISSING
Commands of linux/s390x cannot be run here: only root may map all users into a namespace

Run bt as root, or let an administrator register qemu-user-static.`,
  ],
];

test.each(refusals)("emulation is refused when %s", (_, facts, options, message) => {
  expect(decide(["s390x"], facts, options)).toBe(message);
});

test("a handler counts by its magic, and only when it is enabled and was opened at registration", async () => {
  const table = await temporaryFolder();
  const s390x = "7f454c4602020100000000000000000000020016";
  const mask = "fffffffffffffffcfffffffffffffffffffeffff";
  const entry = (state: string, flags: string, magic: string): string =>
    `${state}\ninterpreter /usr/bin/qemu\nflags: ${flags}\noffset 0\nmagic ${magic}\nmask ${mask}\n`;
  const files = {
    status: "enabled\n",
    register: "",
    anything: entry("enabled", "OPF", s390x),
    "qemu-arm64": entry("enabled", "OP", "7f454c460201010000000000000000000200b700"),
    "qemu-ppc64le": entry("disabled", "F", "7f454c4602010100000000000000000002001500"),
    "qemu-riscv64": "enabled\ninterpreter /x\nflags: F\nextension .riscv64\n",
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(table, name), text);

  const machine = await readMachine(["s390x", "arm64", "ppc64le", "riscv64"], { table });

  expect(machine.handled).toEqual(["s390x"]);
});

test("a table that is switched off, or not mounted, handles nothing", async () => {
  const table = join(await temporaryFolder(), "table");
  const before = await readMachine(["s390x"], { table });
  await mkdir(table);
  await writeFile(join(table, "status"), "disabled\n");

  expect([before.handled, (await readMachine(["s390x"], { table })).handled]).toEqual([[], []]);
});

test("a command without a namespace stays as it is", () => {
  const command = { file: "buildah", args: ["bud"], env: {} };
  expect(wrapCommand(command, { kind: "none" })).toBe(command);
  expect(wrapCommand(command, { kind: "host" })).toBe(command);
});

const inNamespace = testWith("qemu-s390x-static", "unshare", "setpriv");

inNamespace("foreign programs run in the namespace, the host's table and mounts stay as they were", async () => {
  const programs = await writePrograms();
  const before = await hostState();

  const results = (["s390x", "arm64"] as const).map((arch) => runWrapped([`./${arch}`], { cwd: programs }));

  expect(results).toEqual([
    { status: 0, stdout: "s390x\n", stderr: "" },
    { status: 0, stdout: "arm64\n", stderr: "" },
  ]);
  expect(await hostState()).toEqual(before);
});

inNamespace("the exit code, the words and the input of a command in the namespace are its own", () => {
  const result = runWrapped(["sh", "-c", 'cat; echo "$1"; exit 7', "sh", "two  words; $HOME"], { input: "fed\n" });

  expect(result).toEqual({ status: 7, stdout: "fed\ntwo  words; $HOME\n", stderr: "" });
});

inNamespace("all users of the host exist in the namespace, and the command is its root", () => {
  const result = runWrapped([
    "sh",
    "-c",
    "id -u; id -G; cat /proc/self/uid_map; env | grep -v PATH= | grep -v PWD= | grep -v _=/",
  ]);

  expect(result.stdout.replaceAll(/ +/g, " ")).toBe("0\n0\n 0 0 4294967295\n_CONTAINERS_USERNS_CONFIGURED=done\n");
});

inNamespace("a rule that cannot be registered ends the command with its reason", () => {
  const { args, ...rest } = wrapCommand(
    { file: "true", args: [], env: environment() },
    { kind: "userns", arches: ["s390x"] },
  );
  const broken = args.map((word) => (word.endsWith(".conf") ? "/nowhere.conf" : word));

  const result = spawnSync(rest.file, broken, { env: rest.env, encoding: "utf8" });

  expect(result).toMatchObject({ status: 1, stderr: expect.stringContaining("/nowhere.conf") as string });
});

inNamespace("a signal to the command's group ends all of it", async () => {
  const programs = await writePrograms();
  const before = await hostState();
  const command = wrapCommand(
    { file: join(programs, "s390x"), args: ["wait"], env: environment() },
    { kind: "userns", arches: ["s390x"] },
  );
  const child = spawn(command.file, command.args, { env: command.env, detached: true, stdio: "ignore" });
  const group = child.pid!;
  onTestFinished(() => endGroup(group));
  // The shell has become the program itself: the same process.
  await until(() => readCommandLine(group).includes(`${programs}/s390x`) && readCommandLine(group).endsWith("wait"));
  const ended = new Promise((resolve) => child.once("exit", (_, signal) => resolve(signal)));

  process.kill(-group, "SIGTERM");

  expect(await ended).toBe("SIGTERM");
  expect(membersOf(group)).toEqual([]);
  expect(await hostState()).toEqual(before);
});

async function writePrograms(): Promise<string> {
  const dir = await temporaryFolder();
  for (const arch of ["s390x", "arm64"] as const)
    await writeFile(join(dir, arch), foreignProgram(arch), { mode: 0o755 });
  return dir;
}

function runWrapped(
  words: readonly string[],
  options: { readonly cwd?: string; readonly input?: string } = {},
): { status: number | null; stdout: string; stderr: string } {
  const [file = "", ...args] = words;
  const command = wrapCommand({ file, args, env: environment() }, { kind: "userns", arches: ["arm64", "s390x"] });
  const { status, stdout, stderr } = spawnSync(command.file, command.args, {
    env: command.env,
    encoding: "utf8",
    ...options,
  });
  return { status, stdout, stderr };
}

function environment(): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "" };
}

/** Processes of a group that have not ended. */
function membersOf(group: number): readonly string[] {
  const { stdout } = spawnSync("ps", ["-eo", "pgid=,stat=,args="], { encoding: "utf8" });
  return stdout.split("\n").filter((line) => new RegExp(`^ *${group} +[^Z ]`).test(line));
}

function readCommandLine(pid: number): string {
  const { stdout } = spawnSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim();
}

/** The host's table, and where it is mounted; other tests mount other things meanwhile. */
async function hostState(): Promise<unknown> {
  const table = await readdir("/proc/sys/fs/binfmt_misc").catch(() => []);
  const mounts = (await readFile("/proc/self/mounts", "utf8")).split("\n");
  return { table: table.sort(), mounts: mounts.filter((line) => line.includes("binfmt")) };
}

/** Not by the program of that name: it reads a negative number as something else. */
function endGroup(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // It has ended already.
  }
}
