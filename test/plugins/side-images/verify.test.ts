/** What an image is asked before it counts: its program is there, for its architecture, with its labels. Cross compilers are Debian's. */
import { expect } from "vitest";
import { testWith } from "../../support/tool.ts";
import { world, type World } from "./world.ts";

const testGit = testWith("git");

const dockerfile = 'FROM scratch\nARG TARGETARCH\nCOPY bin/pause-$TARGETARCH /pause\nENTRYPOINT ["/pause"]\n';

/** A component with a program that `compile` makes from `src/main`. */
async function compiled(compile: string, source: string, options = "imageReferences: false"): Promise<World> {
  const w = await world({
    options,
    files: {
      "pause/Dockerfile": dockerfile,
      "pause/build_binaries": `#!/bin/sh\nset -e\nmkdir -p bin\n${compile}\n`,
      "pause/extra/main.c": source,
    },
  });
  w.component("pause/repo", w.read("packaging/images/components/components/coredns/repo"));
  w.component("pause/commit", w.read("packaging/images/components/components/coredns/commit"));
  return w;
}

const program = "int main(void) { return 0; }\n";

/** Architectures as files name them, and Debian's compilers for them. */
const compilers = {
  arm64: "aarch64-linux-gnu",
  arm: "arm-linux-gnueabihf",
  ppc64le: "powerpc64le-linux-gnu",
  riscv64: "riscv64-linux-gnu",
};

testWith("git", ...Object.values(compilers).map((name) => `${name}-gcc`))(
  "static C programs of four cross compilers pass, each for its own image only",
  async () => {
    const cases = Object.entries(compilers).map(([arch, name]) => `${arch}) cc=${name}-gcc;;`);
    const swapped = "arm64) a=arm;; arm) a=ppc64le;; ppc64le) a=riscv64;; riscv64) a=arm64;;";
    const w = await compiled(
      `a=$1\nif [ -e extra/swap ]; then case $1 in ${swapped} esac; fi\ncase $a in ${cases.join(" ")} esac\n$cc -nostdlib -static -e main -o "bin/pause-$1" extra/main.c`,
      program,
    );
    const given = { COMPONENTS: "pause", ARCHITECTURES: Object.keys(compilers).join(" ") };

    const right = await w.side(given, "side-images");
    w.component("pause/extra/swap", "");
    const wrong = await w.side(given, "-k", "side-images");

    expect(right, right.stdout).toMatchObject({ exitCode: 0, stderr: "" });
    expect(wrong.exitCode).toBe(1);
    for (const [cell, found, expected] of [
      ["arm64", "arm", "arm64"],
      ["arm", "ppc64le", "arm"],
      ["ppc64le", "riscv64", "ppc64le"],
      ["riscv64", "arm64", "riscv64"],
    ])
      expect(wrong.stdout).toMatch(
        new RegExp(`pause:${cell}: the program "/pause" is for ${found}\\S*, the image for ${expected}`),
      );
  },
);

testGit("an image that starts a file which is not in it is refused with the line of its CMD", async () => {
  const w = await world({ files: { "pause/Dockerfile.riscv64": 'FROM scratch\n\nCMD ["/pause"]\n' } });

  const result = await w.side({ COMPONENTS: "pause", ARCHITECTURES: "riscv64" }, "side-images");

  expect(result.exitCode).toBe(1);
  expect(result.stdout).toContain('bt: pause:riscv64: the image starts "/pause", which is not in it');
  expect(result.stdout).toContain("at   packaging/images/components/components/pause/Dockerfile.riscv64:3:1");
});

testGit("programs are found by the image's own PATH, WORKDIR and links", async () => {
  const files = {
    "path/Dockerfile": 'FROM scratch\nENV PATH=/opt:/x\nCOPY run /x/run\nCMD ["run"]\n',
    "path/run": "x",
    "dir/Dockerfile": 'FROM scratch\nWORKDIR /srv\nCOPY run /srv/run\nENTRYPOINT ["./run"]\n',
    "dir/run": "x",
  };
  const w = await world({ files });

  expect((await w.side({ COMPONENTS: "path dir", ARCHITECTURES: "arm64" }, "side-images")).exitCode).toBe(0);
});

testGit("rules are switched off for a component, and added: labels and functions", async () => {
  const rules = `verify: [{ labels: { v: "2" } }, ({ platform }) => platform === "arm64" ? "no arm" : undefined]`;
  const files = { "pause/Dockerfile": 'FROM scratch\nLABEL v=1\nCMD ["/pause"]\n' };
  const off = await world({ files, options: "imageReferences: false, overrides: { pause: { verify: [] } }" });
  const own = await world({ files, options: `imageReferences: false, overrides: { pause: { ${rules} } }` });
  const given = { COMPONENTS: "pause", ARCHITECTURES: "arm64" };

  const free = await off.side(given, "side-images");
  const labels = await own.side(given, "side-images");
  own.component("pause/Dockerfile", "FROM scratch\nLABEL v=2\n");
  const rule = await own.side(given, "side-images");

  expect(free.exitCode).toBe(0);
  expect(labels.stdout).toContain('pause:arm64: the label v is "1" instead of "2"');
  expect(rule.stdout).toContain("bt: pause:arm64: no arm");
});
