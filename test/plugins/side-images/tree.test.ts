/** A tree with the file names of MicroShift's at 9954ae685f: every cell gets the method that its build.sh chose. Names only; no content of theirs. */
import { expect } from "vitest";
import { testWith } from "../../support/tool.ts";
import { world } from "./world.ts";

const test = testWith("git");
const arches = ["amd64", "arm64", "arm", "ppc64le", "riscv64"];
const child = "ARG OCP_TAG\nARG REGISTRY\nFROM $REGISTRY/base-image:$OCP_TAG\nARG TARGETARCH\n";
const alone = "FROM scratch\nARG TARGETARCH\n";
const script = "#!/bin/sh\n";

const files: Readonly<Record<string, string | undefined>> = {
  "base-image/Dockerfile": alone,
  "base-image/Dockerfile.arm": alone,
  "base-image/Dockerfile.riscv64": alone,
  "cli/Dockerfile": child,
  "cli/ImageSource.amd64": "$OCP_IMAGE_AMD64\n",
  "coredns/Dockerfile": child,
  "coredns/Dockerfile.riscv64": alone,
  "coredns/ImageSource.amd64": "$OCP_IMAGE_AMD64\n",
  "coredns/build_binaries": script,
  "haproxy-router/Dockerfile": `${alone}COPY src/images /var\n`,
  "haproxy-router/Dockerfile.riscv64": `${alone}COPY src/images /var\n`,
  "haproxy-router/ImageSource.amd64": "$OCP_IMAGE_AMD64\n",
  "haproxy-router/build_binaries": script,
  "kube-rbac-proxy/0001-workaround-riscv64.patch": "",
  "kube-rbac-proxy/Dockerfile": alone,
  "kube-rbac-proxy/ImageSource.amd64": "$OCP_IMAGE_AMD64\n",
  "kube-rbac-proxy/build_binaries": script,
  "pause/Dockerfile.riscv64": 'FROM scratch\nCMD ["/pause"]\n',
  ...Object.fromEntries(
    arches.slice(0, 4).map((arch) => [`pause/ImageSource.${arch}`, `gcr.io/x/pause-${arch}:3.6\n`]),
  ),
  "pause/build_binaries": script,
  "pause/commit": "d1ec762a91f8726b01e109aea3aacb2bd4e78ebb\n",
  "pause/repo": "https://example.org/kubernetes\n",
  "service-ca-operator/Dockerfile": child,
  "service-ca-operator/ImageSource.amd64": "$OCP_IMAGE_AMD64\n",
  "service-ca-operator/build_binaries": script,
};

interface Cell {
  readonly component: string;
  readonly file: string;
  readonly parents?: readonly string[];
  readonly binaries?: true;
}

/** `I.amd64`, `D`, `D.riscv64+bin<base-image`: as short as a table's cell. */
function shorten({ file, parents = [], binaries }: Cell): string {
  const name = file
    .slice(file.lastIndexOf("/") + 1)
    .replace("ImageSource", "I")
    .replace("Dockerfile", "D");
  return [name, ...(binaries ? ["+bin"] : []), ...parents.map((parent) => `<${parent}`)].join("");
}

test("the seven components of MicroShift for five architectures", async () => {
  const w = await world({ files, options: "" });

  const result = await w.side({ JSON: "yes" }, "side-images:plan");

  const text = result.stdout.slice(result.stdout.indexOf("{"), result.stdout.lastIndexOf("}") + 1);
  const { cells, components } = JSON.parse(text) as { cells: readonly Cell[]; components: readonly string[] };
  const table = components.map((name) => [name, ...cells.filter(({ component }) => component === name).map(shorten)]);
  expect(table).toEqual([
    ["base-image", "D", "D", "D.arm", "D", "D.riscv64"],
    ["pause", "I.amd64", "I.arm64", "I.arm", "I.ppc64le", "D.riscv64+bin"],
    ["cli", "I.amd64", "D<base-image", "D<base-image", "D<base-image", "D<base-image"],
    ["coredns", "I.amd64", ...Array<string>(3).fill("D+bin<base-image"), "D.riscv64+bin"],
    ["haproxy-router", "I.amd64", "D+bin", "D+bin", "D+bin", "D.riscv64+bin"],
    ["kube-rbac-proxy", "I.amd64", ...Array<string>(4).fill("D+bin")],
    ["service-ca-operator", "I.amd64", ...Array<string>(4).fill("D+bin<base-image")],
  ]);
});

test("a generic ImageSource wins over a generic Dockerfile, a Dockerfile for the architecture over both", async () => {
  const w = await world({
    files: {
      "flannel/ImageSource": "quay.io/x/flannel:1\n",
      "flannel/Dockerfile": alone,
      "flannel/Dockerfile.riscv64": alone,
    },
  });

  const result = await w.side({ COMPONENTS: "flannel" }, "side-images:plan");

  expect(result.stdout.match(/^flannel:\S+ +\S+ +\S+/gm)?.map((line) => line.split(/ +/).join(" "))).toEqual([
    ...arches.slice(0, 4).map((arch) => `flannel:${arch} ImageSource quay.io/x/flannel:1`),
    "flannel:riscv64 Dockerfile Dockerfile.riscv64",
  ]);
});

test("the builderfile's own method beats the files", async () => {
  const method = '{ amd64: { imageSource: "quay.io/x/y:1" }, default: { dockerfile: "Other" } }';
  const w = await world({
    options: `imageReferences: false, overrides: { "base-image": { method: ${method} } }`,
    files: { "base-image/Other": alone },
  });

  const result = await w.side({ COMPONENTS: "base-image", ARCHITECTURES: "amd64 arm" }, "side-images:plan");

  expect(result.stdout).toMatch(/base-image:amd64 +ImageSource +quay.io\/x\/y:1\n/);
  expect(result.stdout).toMatch(/base-image:arm +Dockerfile +Other\n/);
});
