/** Small rpm repositories for tests: real ones by rpmbuild and createrepo_c, or their metadata alone; served on loopback. Knows nothing of bt. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { gzipSync } from "node:zlib";
import { onTestFinished } from "vitest";
import { run } from "./tool.ts";

/** One rpm to be. */
export interface RpmSpec {
  readonly name: string;
  /** `17:8.0-1.el9`; the epoch may be left out. */
  readonly evr: string;
  /** Default: noarch. */
  readonly arch?: string;
  readonly requires?: readonly string[];
  readonly provides?: readonly string[];
  /** `xml:base`: another address than the repository's. Metadata only. */
  readonly base?: string;
  /** Type of the checksum. Default: sha256. Metadata only. */
  readonly checksumType?: string;
  /** Path in the rpm to the file that goes there. Default: one small text. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Builds rpms with rpmbuild into `folder`. Returns their files in the same order. */
export async function buildRpms(folder: string, specs: readonly RpmSpec[]): Promise<readonly string[]> {
  fs.mkdirSync(folder, { recursive: true });
  const files: string[] = [];
  for (const spec of specs) files.push(await buildRpm(folder, spec));
  return files;
}

/** Makes `repodata` with createrepo_c for the rpms in `folder`. */
export async function indexRpms(
  folder: string,
  compression: "gz" | "xz" | "zst" = "gz",
  revision = "1",
): Promise<void> {
  const packed = compression === "xz" ? ["--general-compress-type=xz"] : [];
  await run("createrepo_c", [
    "-q",
    "--no-database",
    "--revision",
    revision,
    "--set-timestamp-to-revision",
    ...packed,
    folder,
  ]);
  if (compression === "zst") await packWithZstd(folder);
}

/** Metadata of packages that nobody has built: for what only reads metadata. */
export function writeMetadata(folder: string, specs: readonly RpmSpec[], revision = "1"): void {
  const packages = specs.map(renderPackage).join("\n");
  const primary = `<?xml version="1.0" encoding="UTF-8"?>
<metadata xmlns="http://linux.duke.edu/metadata/common" xmlns:rpm="http://linux.duke.edu/metadata/rpm" packages="${specs.length}">
${packages}
</metadata>
`;
  writeIndex(folder, gzipSync(primary), { name: "primary.xml.gz", revision });
}

/** `repomd.xml` for one primary file. */
export function writeIndex(
  folder: string,
  packed: Buffer,
  { name, revision = "1" }: { readonly name: string; readonly revision?: string },
): void {
  const hex = createHash("sha256").update(packed).digest("hex");
  fs.mkdirSync(path.join(folder, "repodata"), { recursive: true });
  fs.writeFileSync(path.join(folder, "repodata", name), packed);
  fs.writeFileSync(
    path.join(folder, "repodata/repomd.xml"),
    `<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo"><revision>${revision}</revision>
<data type="primary"><checksum type="sha256">${hex}</checksum><location href="repodata/${name}"/><size>${packed.length}</size></data>
</repomd>
`,
  );
}

/** A server and what it was asked for. */
export interface Mirror {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Values of `authorization`, in order; empty: none. */
  readonly credentials: readonly string[];
  /** Paths, in order. */
  readonly requests: readonly string[];
  /** Ends of paths to what happens instead: `absent` 404, `busy` 503, `cut` half of the file, a text that is sent instead. */
  readonly faults: Map<string, "absent" | "busy" | "cut" | { readonly text: string }>;
}

/** Serves a folder until the test ends. */
export async function serveFolder(folder: string): Promise<Mirror> {
  const requests: string[] = [];
  const credentials: string[] = [];
  const faults: Mirror["faults"] = new Map();
  const server = http.createServer((request, response) => {
    const name = decodeURIComponent(new URL(request.url ?? "/", "http://mirror").pathname);
    requests.push(name);
    credentials.push(request.headers.authorization ?? "");
    const fault = [...faults].find(([end]) => name.endsWith(end))?.[1];
    const file = path.join(folder, name);
    if (fault === "busy") return void response.writeHead(503).end();
    if (fault === "absent" || !fs.existsSync(file) || fs.statSync(file).isDirectory())
      return void response.writeHead(404).end();
    const bytes = typeof fault === "object" ? Buffer.from(fault.text) : fs.readFileSync(file);
    response.writeHead(200, { "content-length": bytes.length });
    if (fault !== "cut") return void response.end(bytes);
    response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests, credentials, faults };
}

/** A `repo.yaml` of repositories under one address: name to path and architecture. */
export function renderRepofile(
  url: string,
  repositories: Readonly<Record<string, { readonly path: string; readonly arch?: string; readonly more?: string }>>,
): string {
  const entries = Object.entries(repositories).map(
    ([name, { path: folder, arch, more = "" }]) =>
      `- name: ${name}\n  baseurl: ${url}/${folder}/\n${arch === undefined ? "" : `  arch: ${arch}\n`}${more}`,
  );
  return `repositories:\n${entries.join("")}`;
}

function splitEvr(text: string): { epoch: string; version: string; release: string } {
  const [, epoch = "0", version = "", release = ""] = /^(?:(\d+):)?(.+)-([^-]+)$/.exec(text) ?? [];
  return { epoch, version, release };
}

function renderPackage({ name, evr, arch = "noarch", requires = [], provides = [], ...more }: RpmSpec): string {
  const base = more.base === undefined ? "" : ` xml:base="${more.base}"`;
  const { epoch, version, release } = splitEvr(evr);
  const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const entries = (names: readonly string[]): string =>
    names.map((one) => `<rpm:entry name="${escape(one)}"/>`).join("");
  const checksum = createHash("sha256").update(`${name} ${evr} ${arch}`).digest("hex");
  return `<package type="rpm"><name>${escape(name)}</name><arch>${arch}</arch><version epoch="${epoch}" ver="${version}" rel="${release}"/>
<checksum type="${more.checksumType ?? "sha256"}" pkgid="YES">${checksum}</checksum><location${base} href="Packages/${name}-${version}-${release}.${arch}.rpm"/>
<format><rpm:provides>${entries([name, ...provides])}</rpm:provides><rpm:requires>${entries(requires)}</rpm:requires></format></package>`;
}

async function buildRpm(folder: string, spec: RpmSpec): Promise<string> {
  const { name, arch = "noarch", requires = [], provides = [], files } = spec;
  const { epoch, version, release } = splitEvr(spec.evr);
  const work = fs.mkdtempSync(path.join(folder, ".build-"));
  fs.mkdirSync(path.join(work, "SOURCES"));
  const contents = Object.entries(files ?? {});
  if (files === undefined) fs.writeFileSync(path.join(work, "SOURCES/text"), `${name} ${spec.evr} ${arch}\n`);
  const sources = files === undefined ? [[`/usr/share/${name}`, path.join(work, "SOURCES/text")] as const] : contents;
  fs.writeFileSync(
    path.join(work, "one.spec"),
    `Name: ${name}
${epoch === "0" ? "" : `Epoch: ${epoch}\n`}Version: ${version}
Release: ${release}
Summary: test
License: none
${arch === "noarch" ? "BuildArch: noarch\n" : ""}AutoReqProv: no
${requires.map((one) => `Requires: ${one}\n`).join("")}${provides.map((one) => `Provides: ${one}\n`).join("")}%description
test
%install
${sources.map(([to, from]) => `install -D "${from}" "%{buildroot}${to}"\n`).join("")}%files
${sources.map(([to]) => `${to}\n`).join("")}`,
  );
  const settings = {
    _topdir: work,
    _rpmdir: folder,
    _rpmfilename: "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
    _build_id_links: "none",
    debug_package: "%{nil}",
    __os_install_post: "%{nil}",
    use_source_date_epoch_as_buildtime: "1",
    clamp_mtime_to_source_date_epoch: "1",
    _buildhost: "fx",
  };
  const defines = Object.entries(settings).flatMap(([key, value]) => ["--define", `${key} ${value}`]);
  const target = arch === "noarch" ? [] : ["--target", `${arch}-linux`];
  // rpmbuild waits for the end of its input.
  const command = ["rpmbuild", "-bb", "--quiet", ...target, ...defines, path.join(work, "one.spec")];
  await run("sh", ["-c", 'exec "$@" </dev/null', "sh", ...command], { SOURCE_DATE_EPOCH: "1700000000" });
  fs.rmSync(work, { recursive: true });
  return path.join(folder, `${name}-${version}-${release}.${arch}.rpm`);
}

/** Debian's createrepo_c cannot write zst. */
async function packWithZstd(folder: string): Promise<void> {
  const data = path.join(folder, "repodata");
  const gz = fs.readdirSync(data).find((name) => name.endsWith("primary.xml.gz"))!;
  await run("gunzip", [path.join(data, gz)]);
  const plain = path.join(data, gz.replace(/\.gz$/, ""));
  await run("zstd", ["-q", "--rm", plain]);
  writeIndex(folder, fs.readFileSync(`${plain}.zst`), { name: path.basename(`${plain}.zst`) });
}
