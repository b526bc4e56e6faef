/** Guests under qemu's own emulation (TCG), and what is said when they do not do what they should. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { renderProbe, marker } from "../../../plugins/kernel-rootfs/probe-init.ts";
import type { Project } from "../../support/project.ts";
import { run, testWith } from "../../support/tool.ts";
import { debianKernel } from "./guest.ts";
import { family, stub, told, valuesOf } from "./rig.ts";

/** A project with a ramdisk whose only program prints the marker and powers off. */
async function withProbe(): Promise<Project> {
  const p = await family();
  fs.writeFileSync(path.join(p.root, "probe"), renderProbe("amd64"));
  return p;
}

const guest = async (): Promise<readonly string[]> => [
  "vm:check",
  "IMAGE=none",
  `KERNEL_DIR=${await debianKernel()}`,
  "INITRD=probe",
  "MEM=256M",
  "CPU=1",
];
const qemu = testWith("qemu-system-x86_64");

qemu(
  "a guest boots until its console shows what is expected; the result tells kernel, accelerator and time",
  { timeout: 600_000 },
  async () => {
    const p = await withProbe();

    const result = await p.bt("--json", ...(await guest()), "ACCEL=tcg", `EXPECT=${marker}`);

    expect(result.exitCode, told(result)).toBe(0);
    const checked = Object.values(valuesOf(result))[0];
    expect(checked).toMatchObject({
      accel: "tcg",
      matched: marker,
      kernel: expect.stringMatching(/^6\.\d+\.\d+/) as string,
    });
  },
);

qemu(
  "KERNEL_ROOTFS_GUEST_ENDED: a guest that ends too early is told with its last lines",
  { timeout: 600_000 },
  async () => {
    const p = await withProbe();

    const result = await p.bt(...(await guest()), "ACCEL=tcg", "EXPECT=login:");

    expect(result.exitCode).toBe(1);
    expect(told(result)).toMatch(/reached user space[^]*ended before it showed \/login:\//);
  },
);

qemu(
  "KERNEL_ROOTFS_GUEST_SILENT: a guest that never shows it is ended in time, with its last lines",
  { timeout: 600_000 },
  async () => {
    const p = await withProbe();
    const [file, ...others] = await guest();

    const result = await p.bt(
      file ?? "",
      ...others,
      "ACCEL=tcg",
      "EXPECT=never",
      "TIMEOUT=3",
      "APPEND=rdinit=/none panic=0",
    );

    expect(result.exitCode).toBe(1);
    expect(told(result)).toContain("has not shown /never/ within 3 s");
  },
);

/** A qemu that has a version, whose probe never says anything, and whose other guests end at once. */
const silent = `case "$*" in *--version*) echo "QEMU emulator version 7.2";; *probe.cpio*) exec sleep 100;; esac`;

test("KERNEL_ROOTFS_KVM_UNUSABLE: KVM counts only when a guest reached user space in time, and the answer is remembered (qemu is none)", async () => {
  const p = await withProbe();
  p.write("k/boot/vmlinuz-1", "");
  p.write("builderfile.ts", p.read("builderfile.ts").replace("registry:", "accelProbeSeconds: 1,\n      registry:"));
  const { env, calls } = stub(p, ["qemu-system-x86_64"], silent);
  const words = ["vm:check", "IMAGE=none", "KERNEL_DIR=k", "TIMEOUT=1"];

  const auto = await p.btWith({ env }, ...words, "ACCEL=auto");
  const kvm = await p.btWith({ env }, ...words, "ACCEL=kvm");

  expect(told(auto)).toMatch(
    /accel: KVM does not run guests \((no marker within 1 s|there is no \/dev\/kvm|the guest is \w+)\), using TCG/,
  );
  expect(kvm.exitCode).toBe(1);
  expect(told(kvm)).toContain("KVM does not run guests here");
  expect(calls().filter((line) => line.includes("probe.cpio")).length).toBeLessThan(2);
});

qemu("SIGINT ends the guest", { timeout: 600_000 }, async () => {
  const p = await withProbe();
  const [file, ...others] = await guest();
  const mark = path.basename(p.root);
  const running = p.start(
    {},
    file ?? "",
    ...others,
    "ACCEL=tcg",
    "EXPECT=never",
    "APPEND=rdinit=/none panic=0 bt=" + mark,
  );
  const find = async (): Promise<string> => run("pgrep", ["-f", `qemu-system.*bt=${mark}`]).catch(() => "");
  await expect.poll(find, { timeout: 90_000 }).not.toBe("");

  running.child.kill("SIGINT");

  expect((await running.ended).signal).toBe("SIGINT");
  expect(await find()).toBe("");
});

test("bt -n vm:run prints the command of little-vm-helper", async () => {
  const p = await family({ "disk.qcow2": "", bzImage: "" });

  const plain = await p.bt(
    "-n",
    "vm:run",
    "IMAGE=disk.qcow2",
    "ACCEL=kvm",
    "PORT=2222:22 53:53:udp",
    "HOST_MOUNT=/srv",
    "QEMU_ARCH=amd64",
  );
  const own = await p.bt(
    "-n",
    "vm:run",
    "IMAGE=disk.qcow2",
    "ACCEL=tcg",
    "KERNEL=bzImage",
    "QEMU_ARCH=arm64",
    "DAEMONIZE=1",
    "CONSOLE_LOG=log",
    "MONITOR_PORT=4444",
  );

  const command = (text: string): string => /^ {2}\$ (qemu.*)$/m.exec(text)?.[1] ?? text;
  expect(command(plain.stdout)).toBe(
    "qemu-system-x86_64 -nodefaults -display none -no-reboot -smp 2 -m 4G -enable-kvm -cpu kvm64 -drive file=disk.qcow2,format=qcow2,if=virtio,index=0,media=disk " +
      "-netdev user,id=user.0,hostfwd=tcp::2222-:22,hostfwd=udp::53-:53 -device virtio-net-pci,netdev=user.0 -serial mon:stdio -device virtio-serial-pci " +
      "-fsdev local,id=host_id,path=/srv,security_model=none -device virtio-9p-pci,fsdev=host_id,mount_tag=host_mount",
  );
  expect(command(own.stdout)).toBe(
    "qemu-system-aarch64 -machine virt -nodefaults -display none -no-reboot -smp 2 -m 4G -cpu max -drive file=disk.qcow2,format=qcow2,if=virtio,index=0,media=disk " +
      "-kernel bzImage -append 'root=/dev/vda rw console=ttyAMA0 panic=-1' -netdev user,id=user.0 -device virtio-net-pci,netdev=user.0 -serial file:log -daemonize -monitor tcp:localhost:4444,server,nowait",
  );
});

testWith("qemu-img")(
  "KERNEL_ROOTFS_IMAGE_DAMAGED: a damaged qcow2 and a damaged zst are told before anything boots",
  async () => {
    const p = await family({ "bad.qcow2": "this is no disk", "bad.qcow2.zst": "nor this", "k/boot/vmlinuz-1": "" });
    await run("qemu-img", ["create", "-q", "-f", "qcow2", path.join(p.root, "cut.qcow2"), "64M"]);
    fs.truncateSync(path.join(p.root, "cut.qcow2"), 1000);

    for (const image of ["bad.qcow2", "bad.qcow2.zst", "cut.qcow2"]) {
      const result = await p.bt("vm:check", `IMAGE=${image}`, "KERNEL_DIR=k", "ACCEL=tcg");
      expect(result.exitCode).toBe(1);
      expect(told(result)).toContain(`${image}" is damaged: `);
    }
  },
);

test.for([
  ["KERNEL_ROOTFS_PORT_WRONG", ["PORT=ssh"], `"ssh" is no forwarded port`],
  ["KERNEL_ROOTFS_EXPECT_WRONG", ["EXPECT=a("], `"a(" is no regular expression`],
  ["KERNEL_ROOTFS_TOOL_MISSING", ["QEMU_ARCH=arm64"], "apt-get install qemu-system-arm"],
] as const)("%s", async ([, words, problem]) => {
  const p = await family({ "base.img": "" });
  const { env } = stub(p, ["qemu-system-x86_64"], silent);

  const result = await p.btWith(
    { env: { PATH: env["PATH"]!.split(":")[0] ?? "" } },
    "vm:check",
    "IMAGE=base.img",
    "ACCEL=tcg",
    "QEMU_ARCH=amd64",
    ...words,
  );

  expect(result).toMatchObject({ exitCode: 2, stdout: expect.not.stringContaining("▸") as string });
  expect(told(result)).toContain(problem);
});

test("KERNEL_ROOTFS_KERNEL_DIR: a folder with two kernels cannot be booted", async () => {
  const p = await family({ "base.img": "", "k/boot/vmlinuz-1": "", "k/boot/vmlinuz-2": "" });
  const { env } = stub(p, ["qemu-system-x86_64"], silent);

  const result = await p.btWith({ env }, "vm:check", "IMAGE=base.img", "KERNEL_DIR=k", "ACCEL=tcg", "QEMU_ARCH=amd64");

  expect(result).toMatchObject({ exitCode: 2, stdout: expect.not.stringContaining("▸") as string });
  expect(told(result)).toContain(`"k/boot" has 2 of them: vmlinuz-1, vmlinuz-2`);
});
