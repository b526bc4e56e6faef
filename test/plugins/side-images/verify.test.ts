/** What an image is asked before it counts: its program is there, for its architecture, with its labels. Cross compilers are Debian's. */
import { expect } from "vitest";
import { testWith } from "../../support/tool.ts";
import { made, world, type World } from "./world.ts";

const test = testWith("git", "aarch64-linux-gnu-gcc");
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

test("a program of a cross compiler passes for its architecture, and is refused for another one with both names", async () => {
  const w = await compiled('aarch64-linux-gnu-gcc -nostdlib -static -e main -o "bin/pause-$1" extra/main.c', program);

  const result = await w.side({ COMPONENTS: "pause", ARCHITECTURES: "arm64 riscv64" }, "-k", "side-images");

  expect(result.exitCode).toBe(1);
  expect(made(result)).toContain("image:pause:arm64");
  expect(result.stdout).toContain('pause:riscv64: the program "/pause" is for arm64, the image for riscv64');
  expect(result.stdout.match(/^✖ .*image/gm)).toHaveLength(1);
});

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
