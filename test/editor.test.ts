/** What an editor offers while somebody writes a builderfile, asked of TypeScript's own language server. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { offeredIn } from "./support/editor.ts";
import { project } from "./support/project.ts";

const repository = path.join(import.meta.dirname, "..");

const text = `import { defineBuilder, param, platforms, task } from "builderfile";
import { bazelBuilder } from "builderfile/plugins/bazel-builder";
import { image } from "builderfile/plugins/images";

const builder = bazelBuilder({ prefix: "registry.example/oven", arches: platforms("‸"), ‸ });
const build = image({ platforms: platforms("amd64", "s390x"), ‸ });
const bake = task({ run: () => ({ weight: 1, crust: "dark" }), ‸ });
const serve = task({
  needs: { loaf: bake, images: build, cross: build.cell("‸"), published: builder.tasks.‸ },
  params: { channel: param.enum(["dev", "stable"], { default: "‸" }), guests: param.integer({ ‸ }) },
  run: ({ needs, params, ‸ }) => {
    needs.‸;
    needs.loaf.‸;
    needs.images.‸;
    params.‸;
  },
});
serve.with({ ‸ });
export default defineBuilder({ plugins: [builder], tasks: { build, bake, serve }, ‸ });
`;

/** At each place at least these are offered, and none of those behind the bar. */
const wanted: readonly (readonly [place: string, offered: readonly string[], notOffered?: readonly string[]])[] = [
  ["architectures", ["amd64", "arm64", "s390x", "riscv64"]],
  ["options of a plugin", ["variants", "push", "bazel"], ["prefix", "arches"]],
  ["options of an image", ["context", "dockerfile", "args", "target"], ["platforms"]],
  ["fields of a task", ["description", "inputs", "outputs", "needs", "params", "matrix", "timeoutMs"], ["run"]],
  ["cells of a task", ["amd64", "s390x"], ["arm64"]],
  ["tasks of a plugin", ["build", "publish"], ["weight"]],
  ["words of an enum", ["dev", "stable"]],
  ["what a param can have", ["default", "description", "env", "required"]],
  ["what an action is given", ["$", "exec", "log", "inputs", "signal"], ["needs", "params"]],
  ["names of needs", ["cross", "images", "loaf", "published"]],
  ["the result of a need", ["crust", "weight"]],
  ["the cells of a need", ["amd64", "s390x"], ["arm64"]],
  ["params", ["channel", "guests"]],
  ["params of another task", ["channel", "guests"]],
  ["fields of a builderfile", ["pools", "params", "default", "apply"], ["plugins"]],
];

test(
  "an editor offers options of plugins, tasks, cells, needs, results, params and their words",
  { timeout: 600_000 },
  async () => {
    const p = await project({
      "package.json": `{ "type": "module" }`,
      "tsconfig.json": `{ "compilerOptions": { "module": "nodenext", "target": "es2023", "strict": true, "types": ["node"] } }`,
      "builderfile.ts": text.replaceAll("‸", ""),
    });
    fs.mkdirSync(path.join(p.root, "node_modules"));
    fs.symlinkSync(repository, path.join(p.root, "node_modules/builderfile"));
    fs.symlinkSync(path.join(repository, "node_modules/@types"), path.join(p.root, "node_modules/@types"));

    const offered = await offeredIn(p.root, "builderfile.ts", text);

    const told = wanted.map(([place, names, others = []], at) => ({
      place,
      missing: names.filter((name) => offered[at]?.includes(name) !== true),
      wrong: others.filter((name) => offered[at]?.includes(name) === true),
    }));
    expect(offered).toHaveLength(wanted.length);
    expect(told).toEqual(wanted.map(([place]) => ({ place, missing: [], wrong: [] })));
  },
);
