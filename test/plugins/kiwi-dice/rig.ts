/** A project with recipes, a package repository on loopback, and a stand-in for KIWI. Knows nothing of how bt builds. */
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { onTestFinished, type test } from "vitest";
import { project, type Project, type Result } from "../../support/project.ts";
import { testWith } from "../../support/tool.ts";

/** What a local build of the recipes below needs besides KIWI. */
export const testLocal: typeof test = testWith("unshare", "setpriv", "rsync", "debootstrap", "xz", "tar");

/**
 * Stands for KIWI, whose real build takes a minute (that one is in real.test.ts): reads its words, runs `config.sh`, writes what KIWI
 * writes. The description's files are the content of its image. Appends its words to `argv` beside itself.
 */
export const standIn = `#!/bin/bash
# kiwi==9.24.56
if [[ "$*" = *--version* ]]; then echo "KIWI (next generation) version 9.24.56"; exit; fi
{ printf '%q ' "$@"; echo; } >> "$(dirname "$0")/argv"
verb="$*"
while [ $# -gt 0 ]; do
  case $1 in --target-dir) target=$2;; --description) description=$2;; --bundle-dir) bundle=$2;; --id) id=$2;; --root) root=$2;; --shared-cache-dir) cache=$2;; esac
  shift
done
case "$verb" in
*"result bundle"*)
  mkdir -p "$bundle"; echo "[ INFO    ]: 08:00:00 | Creating small.x86_64-1.0.0-$id.tar.xz"
  cp "$target/small.x86_64-1.0.0.tar.xz" "$bundle/small.x86_64-1.0.0-$id.tar.xz"
  (cd "$bundle" && sha256sum "small.x86_64-1.0.0-$id.tar.xz" > "small.x86_64-1.0.0-$id.tar.xz.sha256");;
*"system prepare"*) mkdir -p "$root/etc"; cp -a "$description/root/." "$root/";;
*"system build"*|*"system boxbuild"*|*"system create"*)
  [ -d "$target/build/image-root" ] && { echo "[ ERROR   ]: 08:00:00 | KiwiRootDirExists: $target"; exit 1; }
  mkdir -p "$target/build/image-root"
  [ -z "$cache" ] || mkdir -p "$cache/apt-get/archives" "$cache/apt-get/lists"
  [ -z "$cache" ] || (cd "$cache/apt-get/archives" && for name in *.deb; do echo "cached $name"; done; echo fetched > bread_1_all.deb)
  if [ -n "$description" ]; then
    echo "[ INFO    ]: 08:00:00 | Loading XML description"
    grep -o 'source path="[^"]*"' "$description"/*.xml
    if [ -x "$description/config.sh" ]; then
      (cd "$target" && "$description/config.sh") || { echo "[ ERROR   ]: 08:00:00 | KiwiScriptFailed: config.sh failed"; exit 1; }
    fi
    tar -C "$description" --sort=name --exclude=./config.xml --mtime=@0 -cJf "$target/small.x86_64-1.0.0.tar.xz" .
  else echo made > "$target/small.x86_64-1.0.0.tar.xz"; fi
  echo '{"root_archive": {"filename": "'"$target"'/small.x86_64-1.0.0.tar.xz", "use_for_bundle": true}}' > "$target/kiwi.result.json";;
*"image info"*) [ -z "$cache" ] || exit 2; echo "image: small";;
esac
exit 0
`;

/** A Debian description. */
export function configXml(repository: string, more: { readonly type?: string; readonly schema?: string } = {}): string {
  const { type = "tbz", schema = "7.5" } = more;
  return `<?xml version="1.0" encoding="utf-8"?>
<image schemaversion="${schema}" name="small">
  <preferences><version>1.0.0</version><packagemanager>apt</packagemanager><type image="${type}" primary="true"/><type image="oci"/></preferences>
  <profiles><profile name="plain" description="Nothing more"/></profiles>
  <repository type="apt-deb" alias="debian" distribution="bookworm" components="main"><source path="${repository}"/></repository>
  <packages type="image"><package name="ca-certificates"/></packages>
  <packages type="bootstrap"/>
</image>
`;
}

export interface World extends Project {
  /** Words of every call of the stand-in for KIWI, a line each. */
  readonly calls: () => readonly string[];
  readonly kiwi: string;
  readonly dice: (task: string, ...words: string[]) => Promise<Result>;
}

export interface WorldOptions {
  /** Folders below `recipes`. Default: `small`. */
  readonly recipes?: readonly string[];
  /** TypeScript of fields of every declared recipe. */
  readonly fields?: string;
  /** Address of the package repository. Default: a folder without packages. */
  readonly repository?: string;
  readonly files?: Readonly<Record<string, string>>;
}

/** A project with recipes that the stand-in builds in no time. */
export async function world(options: WorldOptions = {}): Promise<World> {
  const { recipes = ["small"], fields = "", repository = "this://packages", files = {} } = options;
  const entries = recipes.map(
    (name) => `${JSON.stringify(name)}: { recipe: ${JSON.stringify(`recipes/${name}`)}, ${fields} }`,
  );
  const p = await project({
    "builderfile.ts": `import { defineBuilder } from "builderfile";
import { kiwiDice } from "builderfile/plugins/kiwi-dice";
export default defineBuilder({ plugins: [kiwiDice({ recipes: { ${entries.join(", ")} }, defaults: { kiwi: { bin: "tools/kiwi-ng" } } })] });
`,
    "tools/kiwi-ng": standIn,
    ...Object.fromEntries(
      recipes.flatMap((name) => [
        [`recipes/${name}/config.xml`, configXml(repository.replace("this://packages", "packages"))],
        [`recipes/${name}/config.sh`, "#!/bin/sh\nexit 0\n"],
        [`recipes/${name}/root/etc/motd`, "hello\n"],
        [`recipes/${name}/root/.profile`, "umask 022\n"],
        [`recipes/${name}/packages/bread_1_all.deb`, "bread"],
      ]),
    ),
    ...files,
  });
  const bin = join(p.root, "tools/kiwi-ng");
  p.write("builderfile.ts", p.read("builderfile.ts").replace("tools/kiwi-ng", bin));
  chmodSync(bin, 0o755);
  for (const name of recipes) chmodSync(join(p.root, `recipes/${name}/config.sh`), 0o755);
  return {
    ...p,
    kiwi: bin,
    calls: () => (p.exists("tools/argv") ? p.read("tools/argv").trimEnd().split("\n") : []),
    dice: (task, ...words) => p.bt(task, ...words),
  };
}

/** A line of `BuildStatus:` and the reasons below it. */
export function statusOf({ stdout }: Result): readonly string[] {
  return stdout.split("\n").filter((line) => /^(BuildStatus:|-->)/.test(line) && !line.startsWith("--> Build result"));
}

/** All files below a folder. */
export function listFiles(root: string, folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true }).map(String).sort();
}

/** All files below a folder and itself, with modes, sizes and times: the same afterwards if nobody wrote. */
export function listStamps(root: string, folder: string): readonly string[] {
  return ["", ...listFiles(root, folder)].map((name) => {
    const { mode, size, mtimeNs } = lstatSync(join(root, folder, name), { bigint: true });
    return `${name} ${mode} ${size} ${mtimeNs}`;
  });
}

/** Serves a folder on loopback. With `pass`, only to whoever knows it. */
export async function serve(
  folder: string,
  pass?: string,
): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const server: Server = createServer((request, response) => {
    const wanted = pass === undefined ? undefined : `Basic ${Buffer.from(pass).toString("base64")}`;
    if (wanted !== undefined && request.headers.authorization !== wanted) return void response.writeHead(401).end();
    try {
      response.end(readFileSync(join(folder, decodeURIComponent(request.url ?? "/"))));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  onTestFinished(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

/** A minimal apt repository with one list of packages. */
export function writeRepository(folder: string, packages: string, date = "Sat, 21 Nov 2026 08:00:00 UTC"): void {
  const sum = Buffer.from(packages).toString("hex").padEnd(64, "0").slice(0, 64);
  mkdirSync(join(folder, "dists/bookworm"), { recursive: true });
  writeFileSync(
    join(folder, "dists/bookworm/Release"),
    `Origin: test\nDate: ${date}\nSHA256:\n ${sum} ${packages.length} main/binary-amd64/Packages\n ${"9".repeat(64)} 3 contrib/binary-amd64/Packages\n`,
  );
}

/** Waits for a condition; the test's own time limit ends it. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 20));
}
