/** What the compiler knows of a builderfile. Compiled, never run: a line below `@ts-expect-error` that compiles is a failure. */
import { bazelBuilder } from "../plugins/bazel-builder/index.ts";
import { image } from "../plugins/images/index.ts";
import { after, defineBuilder, definePlugin, param, platforms, task, validation, type Task } from "../core/index.ts";

/** Compiles if and only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(proof: Same<A, B>): void {
  void proof;
}

interface Loaf {
  readonly weight: number;
  readonly kind: "rye" | "wheat";
}
const arches = platforms("amd64", "arm64", "s390x");

// --- results ---

const bake = task({ run: (): Loaf => ({ weight: 1, kind: "rye" }) });
const slowBake = task({ run: async (): Promise<Loaf> => ({ weight: 1, kind: "rye" }) });
const build = task({ matrix: { arch: arches }, run: ({ cell }) => ({ digest: cell.arch }) });

const loaves: readonly Task<Loaf>[] = [bake, slowBake];
void loaves;

task({
  needs: { loaf: bake, slow: slowBake, first: after(bake), checked: validation(bake) },
  run: ({ needs }) => {
    same<typeof needs.loaf, Loaf>(true);
    same<typeof needs.slow, Loaf>(true);
    same<typeof needs.first, undefined>(true);
    same<typeof needs.checked, undefined>(true);
    // @ts-expect-error -- a need that was not declared
    void needs.butter;
    // @ts-expect-error -- a result has only what its action returned
    void needs.loaf.colour;
    // @ts-expect-error -- a result used with the wrong shape
    const text: string = needs.loaf.weight;
    // @ts-expect-error -- results are not to be changed
    needs.loaf.weight = 2;
    return text;
  },
});

// A list of needs has results by name, of which the compiler knows nothing.
task({ needs: [bake, "mix"], run: ({ needs }) => same<(typeof needs)[string], unknown>(true) });

// --- params ---

const serve = task({
  params: {
    guests: param.integer({ required: true }),
    cake: param.enum(["tart", "pie"], { default: "tart" }),
    note: param.string(),
    loud: param.flag(),
    tins: param.listOf(["round", "square"]),
    arch: param.arch({ default: "amd64" }),
    even: param.schema<number>({ "~standard": { version: 1, vendor: "kitchen", validate: () => ({ value: 2 }) } }),
  },
  run: ({ params }) => {
    same<typeof params.guests, number>(true);
    same<typeof params.cake, "tart" | "pie">(true);
    same<typeof params.note, string | undefined>(true);
    same<typeof params.loud, boolean>(true);
    same<typeof params.tins, readonly ("round" | "square")[]>(true);
    same<typeof params.even, number>(true);
    // @ts-expect-error -- a param that was not declared
    void params.plates;
    return { served: params.guests };
  },
});

task({
  needs: { dinner: serve.with({ guests: 4, cake: "pie" }) },
  run: ({ needs }) => same<typeof needs.dinner, { served: number }>(true),
});
// @ts-expect-error -- a required param is missing
serve.with({ cake: "pie" });
// @ts-expect-error -- a param of the wrong type
serve.with({ guests: "four" });
// @ts-expect-error -- a word that the enum does not have
serve.with({ guests: 4, cake: "mud" });
// @ts-expect-error -- a param that the task does not have
serve.with({ guests: 4, plates: 2 });
// @ts-expect-error -- a default that is not one of the words
param.enum(["tart", "pie"], { default: "mud" });
// @ts-expect-error -- a default of the wrong type
param.integer({ default: "4" });

// --- cells ---

task({
  needs: { images: build, one: build.cell("s390x"), own: build.cell() },
  matrix: { arch: arches },
  run: ({ needs, cell }) => {
    same<typeof needs.images, Readonly<Record<"amd64" | "arm64" | "s390x", { digest: "amd64" | "arm64" | "s390x" }>>>(
      true,
    );
    same<typeof needs.one.digest, "amd64" | "arm64" | "s390x">(true);
    same<typeof needs.own.digest, "amd64" | "arm64" | "s390x">(true);
    same<typeof cell.arch, "amd64" | "arm64" | "s390x">(true);
    return needs.images[cell.arch].digest;
  },
});
// @ts-expect-error -- a cell that the task does not have
build.cell("riscv64");
// @ts-expect-error -- a task without a matrix has no cells
bake.cell("amd64");

/** A fan-in by hand has to name every architecture. */
function index(manifests: Readonly<Record<"amd64" | "arm64" | "s390x", string>>): string {
  return Object.values(manifests).join();
}
task({
  needs: { images: build },
  run: ({ needs: { images } }) => {
    index({ amd64: images.amd64.digest, arm64: images.arm64.digest, s390x: images.s390x.digest });
    // @ts-expect-error -- an architecture is forgotten
    index({ amd64: images.amd64.digest, arm64: images.arm64.digest });
    // @ts-expect-error -- an architecture that was not built
    void images.riscv64;
  },
});

// Two axes: any name is a cell, the values of the axes stay known.
const test = task({
  matrix: { arch: ["amd64", "s390x"], kind: ["debug", "fast"] },
  run: ({ cell }) => same<typeof cell, { readonly arch: "amd64" | "s390x"; readonly kind: "debug" | "fast" }>(true),
});
test.cell("amd64:debug");

// --- paths, conditions ---

task({
  matrix: { tin: ["round", "square"] },
  params: { cuts: param.integer({ default: 8 }) },
  inputs: ({ cell, params }) => [`${cell.tin}.${params.cuts.toFixed()}`],
  outputs: async ({ cell }) => [cell.tin],
  when: ({ cell }) => cell.tin === "round",
  run: ["true"],
});
// @ts-expect-error -- the value of an axis that there is not
task({ matrix: { tin: ["round"] }, when: ({ cell }) => cell.tin === "oval", run: "true" });
// @ts-expect-error -- paths are texts
task({ inputs: [3], run: "true" });
// @ts-expect-error -- a misspelt field
task({ imputs: ["flour"], run: "true" });
// @ts-expect-error -- an input list, not one input
task({ inputs: "flour", run: "true" });

// --- builderfile, plugins ---

const oven = definePlugin({ name: "oven", tasks: { bake, build }, apply: (hooks) => hooks.plan.tap((step) => step) });
task({
  needs: { loaf: oven.tasks.bake },
  run: ({ needs }) => same<typeof needs.loaf, Loaf>(true),
});
// @ts-expect-error -- a task that the plugin does not have
void oven.tasks.fry;
// @ts-expect-error -- a plugin has a name
definePlugin({ tasks: {} });
definePlugin({
  name: "broken",
  tasks: {},
  apply: (hooks) => {
    // @ts-expect-error -- a hook that there is not
    hooks.afterwards.tap(() => {});
    // @ts-expect-error -- a tap has to return what the hook is about
    hooks.plan.tap(() => {});
    // @ts-expect-error -- a synchronous hook waits for nobody
    hooks.plan.tap(async (step) => step);
  },
});

defineBuilder({ plugins: [oven], tasks: { serve, test }, default: serve, pools: { oven: 1 }, params: { GUESTS: 4 } });
// @ts-expect-error -- tasks are made with task()
defineBuilder({ tasks: { bake: { run: "true" } } });
// @ts-expect-error -- a misspelt field
defineBuilder({ taks: {} });

// --- plugins that come with bt; test/editor.test.ts asks what an editor offers ---

const builder = bazelBuilder({ prefix: "registry.example/oven", arches: arches });
// @ts-expect-error -- a misspelt option
bazelBuilder({ prefix: "registry.example/oven", archs: arches });
// @ts-expect-error -- a task that the plugin does not have
void builder.tasks.bake;
const tin = image({ platforms: arches });
task({
  needs: { tin },
  run: ({ needs }) => {
    same<keyof typeof needs.tin, "amd64" | "arm64" | "s390x">(true);
    // @ts-expect-error -- what an image's result does not have
    void needs.tin.amd64.flour;
  },
});
