/** Measures `rpm-deps:check`: 20 pins, 3 architectures, 5,000 packages in each repository. Fails above 5 s or 300 MiB. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const bar = { seconds: 5, mebibytes: 300 };
const packages = 5000;
const arches = ["x86_64", "aarch64", "s390x"];
const pins = Array.from({ length: 20 }, (_, at) => `FAMILY${at}`);
const program = fileURLToPath(new URL("../dist/bt.cjs", import.meta.url));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bt-bench-rpm-"));

/** As large as CentOS Stream's on average: about 6 kB a package. */
function renderPackage(at, arch) {
  const name = at < pins.length ? `family-${at}` : `package-${at}`;
  const hex = createHash("sha256").update(`${name}${arch}`).digest("hex");
  const entries = (count, kind) =>
    Array.from(
      { length: count },
      (_, one) =>
        `      <rpm:entry name="lib${kind}${(at * 7 + one) % packages}.so.${one}()(64bit)" flags="EQ" epoch="0" ver="1.${one}" rel="2.el9"/>`,
    ).join("\n");
  const files = Array.from({ length: 6 }, (_, one) => `    <file>/usr/bin/${name}-${one}</file>`).join("\n");
  return `<package type="rpm">
  <name>${name}</name>
  <arch>${arch}</arch>
  <version epoch="0" ver="1.${at}" rel="1.el9"/>
  <checksum type="sha256" pkgid="YES">${hex}</checksum>
  <summary>One of many packages</summary>
  <description>A text that is as long as the texts that are usually found at this place, which is about three lines.
It says what the package does, for whom, and why one would want to have it installed on a machine of one's own.</description>
  <packager>builder@example.org</packager>
  <url>https://example.org/${name}</url>
  <time file="1700000000" build="1700000000"/>
  <size package="123456" installed="654321" archive="700000"/>
  <location href="Packages/${name}-1.${at}-1.el9.${arch}.rpm"/>
  <format>
    <rpm:license>MIT</rpm:license>
    <rpm:vendor>Example</rpm:vendor>
    <rpm:group>Unspecified</rpm:group>
    <rpm:buildhost>builder.example.org</rpm:buildhost>
    <rpm:sourcerpm>${name}-1.${at}-1.el9.src.rpm</rpm:sourcerpm>
    <rpm:header-range start="4504" end="12345"/>
    <rpm:provides>
${entries(20, "p")}
    </rpm:provides>
    <rpm:requires>
${entries(25, "r")}
    </rpm:requires>
${files}
  </format>
</package>`;
}

function writeRepository(arch) {
  const data = path.join(folder, arch, "repodata");
  const body = Array.from({ length: packages }, (_, at) => renderPackage(at, arch)).join("\n");
  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="${packages}">
${body}
</metadata>
`;
  const packed = gzipSync(xml);
  const hex = createHash("sha256").update(packed).digest("hex");
  fs.mkdirSync(data, { recursive: true });
  fs.writeFileSync(path.join(data, "primary.xml.gz"), packed);
  fs.writeFileSync(
    path.join(data, "repomd.xml"),
    `<repomd><revision>1</revision><data type="primary"><checksum type="sha256">${hex}</checksum><location href="repodata/primary.xml.gz"/><size>${packed.length}</size></data></repomd>`,
  );
  return xml.length;
}

/** Wall time and the most memory that the process had, from the kernel's own count. */
function measure() {
  const started = performance.now();
  const reporter = path.join(folder, "peak.cjs");
  fs.writeFileSync(
    reporter,
    `process.on("exit", () => require("node:fs").writeFileSync(${JSON.stringify(path.join(folder, "peak"))}, String(process.resourceUsage().maxRSS)));`,
  );
  const { status, stdout } = spawnSync(process.execPath, ["--require", reporter, program, "rpm-deps:check"], {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: process.env.PATH, HOME: folder, NO_COLOR: "1" },
  });
  const seconds = (performance.now() - started) / 1000;
  if (status !== 0) throw new Error(`bt rpm-deps:check failed:\n${stdout}`);
  return { seconds, mebibytes: Number(fs.readFileSync(path.join(folder, "peak"), "utf8")) / 1024 };
}

try {
  const bytes = arches.map(writeRepository).reduce((sum, one) => sum + one, 0);
  const groups = { image: { main: pins.map((pin, at) => `family-${at}-{${pin}}`) } };
  const options = {
    streams: { cs9: { repofiles: ["repo.yaml"], suffix: "_cs9" } },
    pinsFile: "pins.json",
    arches,
    basesystem: "package-100",
    groups,
  };
  fs.writeFileSync(
    path.join(folder, "builderfile.ts"),
    `import { defineBuilder } from "builderfile";
import { rpmDeps } from "builderfile/plugins/rpm-deps";
export default defineBuilder({ plugins: [rpmDeps(${JSON.stringify(options)})] });
`,
  );
  const versions = Object.fromEntries(pins.map((pin, at) => [pin, `0:1.${at}-1.el9`]));
  fs.writeFileSync(path.join(folder, "pins.json"), JSON.stringify({ cs9: versions }));
  const lists = arches.map((arch) => `- name: ${arch}\n  arch: ${arch}\n  baseurl: file://${folder}/${arch}/\n`);
  fs.writeFileSync(path.join(folder, "repo.yaml"), `repositories:\n${lists.join("")}`);
  const runs = [measure(), measure(), measure()];
  const seconds = Math.max(...runs.map((run) => run.seconds));
  const mebibytes = Math.max(...runs.map((run) => run.mebibytes));
  process.stdout.write(
    `rpm-deps:check, ${pins.length} pins × ${arches.length} architectures, ${arches.length} × ${packages} packages, ${(bytes / 2 ** 20).toFixed(0)} MiB of XML: ` +
      `${seconds.toFixed(2)} s (bar ${bar.seconds}), ${mebibytes.toFixed(0)} MiB (bar ${bar.mebibytes}), the worst of ${runs.length}\n`,
  );
  process.exitCode = seconds <= bar.seconds && mebibytes <= bar.mebibytes ? 0 : 1;
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
