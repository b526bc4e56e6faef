/** Describes the tasks. What they need of each other is in link.ts, the work is loaded when they run. */
import { param, task, type Context, type ParamSet, type Task, type TaskBase } from "../../core/index.ts";
import type { CiTasks } from "./ci-tasks.ts";
import { imageParams, kernelParams, machineParams, makeParams, sourceParams } from "./params.ts";
import { imageDir, installDir, outDir, treeFile, type Target } from "./places.ts";
import type {
  BuiltKernel,
  CheckedGuest,
  ConfiguredKernel,
  FetchedKernel,
  NamedImage,
  PackedKernel,
  RootfsImage,
  RootfsTree,
} from "./result.ts";
import type { Shop } from "./shop.ts";

/** Handles of the tasks; flavors are there under their names. */
export interface RootfsTasks extends CiTasks {
  readonly "kernel-builder": Task<NamedImage>;
  readonly "root-builder": Task<NamedImage>;
  readonly "root-images": Cells<NamedImage>;
  readonly "kernel-images": Cells<NamedImage>;
  readonly "kernel:fetch": Cells<FetchedKernel>;
  readonly "kernel:configure": Cells<ConfiguredKernel>;
  readonly "kernel:build": Cells<BuiltKernel>;
  readonly "kernel:btf": Cells<BuiltKernel>;
  readonly "kernel:pack": Cells<PackedKernel>;
  readonly "kernel:diff-config": Cells<void>;
  readonly "rootfs:bootstrap": Cells<RootfsTree>;
  readonly "rootfs:customize": Cells<RootfsTree>;
  readonly "rootfs:pack": Cells<RootfsImage>;
  readonly "rootfs:install-kernel": Task<RootfsImage>;
  readonly rootfs: Cells<void>;
  readonly "vm:run": Task<void>;
  readonly "vm:check": Task<CheckedGuest>;
  readonly "kernel-rootfs:validate": Task<void>;
  readonly "kernel-rootfs:import-lvh": Task<void>;
}

type Kinds = Readonly<Record<string, TaskBase>>;
/** A task with a cell for each kernel, suite or image. */
type Cells<R> = Task<R, ParamSet, string>;

/** Tasks of the Makefile: same names, same variables. In container mode they run whenever they are asked for. */
export function describeMakeTasks(shop: Shop): Kinds {
  const { outline, options } = shop;
  const params = makeParams(options, outline);
  const run =
    (what: string) =>
    async (context: unknown): Promise<NamedImage> =>
      (await import("./make-task.ts")).makeImage(context as Context, shop, what); // The types of params and cells are its own.
  const builder = (what: string): Task<NamedImage> =>
    task({ description: `Builds the image ${what}`, params, inputs: [], dryRun: "record", run: run(what) });
  const flavors = Object.keys(options.flavors ?? {}).map((flavor) => [
    flavor,
    task({
      description: `Builds ${flavor} images, one for each kernel`,
      matrix: { kernel: outline.kernels },
      params,
      inputs: [],
      dryRun: "record",
      run: run(flavor),
    }),
  ]);
  return {
    "kernel-builder": builder("kernel-builder"),
    "root-builder": builder("root-builder"),
    "root-images": task({
      description: "Builds the root images, one set for each Debian suite",
      aliases: ["images"],
      matrix: { suite: outline.suites },
      params,
      inputs: [],
      dryRun: "record",
      run: run("root-images"),
    }),
    "kernel-images": task({
      description: "Builds kernel images",
      matrix: { kernel: outline.kernels },
      params,
      inputs: [],
      dryRun: "record",
      run: run("kernel-images"),
    }),
    ...(Object.fromEntries(flavors) as Kinds),
  };
}

/** Steps of a kernel. */
export function describeKernelTasks(shop: Shop): Kinds {
  const { outline, options } = shop;
  const shared = {
    matrix: { kernel: outline.kernels },
    params: kernelParams(options, outline),
    inputs: [],
    dryRun: "record",
    clean: "keep",
  } as const;
  const work = async (): Promise<typeof import("./kernel-task.ts")> => await import("./kernel-task.ts");
  const of = (params: { readonly targetArch?: unknown }): string => String(params.targetArch);
  return {
    "kernel:fetch": task({
      ...shared,
      params: sourceParams(outline), // The same source for every architecture.
      description: "Fetches the source of a kernel",
      inputs: async ({ cell }) => (await import("./local-inputs.ts")).findPatches(shop, cell.kernel),
      versions: async ({ cell }) => (await import("./kernel-source.ts")).findVersions(shop, cell.kernel),
      status: async (context) => (await work()).hasSource(context as Context, shop),
      run: async (context): Promise<FetchedKernel> => (await work()).fetch(context as Context, shop),
    }),
    "kernel:configure": task({
      ...shared,
      description: "Applies the options of a kernel, and checks that they were taken",
      outputs: ({ cell, params }) => [`${outDir(shop, cell.kernel, of(params))}/.config`],
      run: async (context): Promise<ConfiguredKernel> => (await work()).configure(context as Context, shop),
    }),
    "kernel:build": task({
      ...shared,
      description: "Builds a kernel and its modules",
      outputs: ({ cell, params }) => [`${installDir(shop, cell.kernel, of(params))}/`],
      run: async (context): Promise<BuiltKernel> => (await work()).build(context as Context, shop),
    }),
    "kernel:btf": task({
      ...shared,
      description: "Writes the type information (BTF) of a kernel into a file of its own",
      status: async (context) => (await work()).hasBtf(context as Context),
      run: async (context): Promise<BuiltKernel> => (await work()).writeBtf(context as Context, shop),
    }),
    "kernel:pack": task({
      ...shared,
      description: "Packs a kernel as an image with /data/kernels/NAME",
      status: async (context) => (await import("./pack.ts")).isPacked(context as Context),
      run: async (context): Promise<PackedKernel> => (await import("./pack.ts")).packKernel(context as Context),
    }),
    "kernel:diff-config": task({
      description: "Shows what became of a kernel's options, or how two kernels differ",
      matrix: { kernel: outline.kernels },
      params: {
        ...kernelParams(options, outline),
        other: param.enum(outline.kernels, { description: "The kernel to compare with" }),
      },
      run: async (context) => (await import("./diff-config.ts")).showConfig(context as unknown as Context, shop),
    }),
  };
}

/** Steps of root filesystems. */
export function describeRootfsTasks(shop: Shop): Kinds {
  const { outline, options } = shop;
  const params = imageParams(options);
  const target = (values: Readonly<Record<string, unknown>>): Target => ({
    suite: String(values["pkgRepo"]),
    arch: String(values["targetArch"]),
  });
  const shared = { params, matrix: { image: outline.images }, dryRun: "record", clean: "keep" } as const;
  const work = async (): Promise<typeof import("./rootfs-task.ts")> => await import("./rootfs-task.ts");
  const isWhole = (values: Readonly<Record<string, unknown>>): boolean => values["rootfsBackend"] !== "mke2fs";
  return {
    "rootfs:bootstrap": task({
      ...shared,
      description: "Installs the packages of a root image",
      inputs: [],
      outputs: ({ cell, params: values }) => [treeFile(shop, target(values), `${cell.image}.bootstrap`)],
      run: async (context): Promise<RootfsTree> => (await work()).bootstrap(context as Context, shop),
    }),
    "rootfs:customize": task({
      ...shared,
      description: "Applies the actions of an image to the files of its parent",
      inputs: async ({ cell }) => (await import("./local-inputs.ts")).findLocalFiles(shop, cell.image),
      outputs: ({ cell, params: values }) => (isWhole(values) ? [] : [treeFile(shop, target(values), cell.image)]),
      run: async (context): Promise<RootfsTree> => (await work()).customize(context as Context, shop),
    }),
    "rootfs:pack": task({
      ...shared,
      description: "Makes the disk of an image: ext4, qcow2, zstd",
      inputs: async ({ cell, params: values }) =>
        isWhole(values) ? (await import("./local-inputs.ts")).findLocalFiles(shop, cell.image) : [],
      outputs: ({ cell, params: values }) => [`${imageDir(shop, target(values))}/${cell.image}.zst`],
      run: async (context): Promise<RootfsImage> => (await work()).pack(context as Context, shop),
    }),
    rootfs: task({
      description: "Makes an image with all its ancestors",
      params,
      matrix: { image: outline.images },
      inputs: [],
      run: () => {},
    }),
    "rootfs:install-kernel": task({
      description: "Makes an image with a kernel installed",
      dryRun: "record",
      params: {
        ...params,
        image: param.string({ required: true, description: "Image of images.json, or a disk" }),
        kernel: param.string({
          required: true,
          description: "Kernel of kernels.json, or a folder with boot/vmlinuz-*",
        }),
        out: param.string({ description: "File name. Default: IMAGE_KERNEL.qcow2" }),
      },
      run: async (context): Promise<RootfsImage> => (await work()).installKernel(context as unknown as Context, shop),
    }),
  };
}

/** Guests. */
export function describeMachineTasks(shop: Shop): Kinds {
  const params = machineParams(shop.options);
  const { image: _, ...others } = params;
  const image = param.string({ required: true, description: params["image"]?.description ?? "" });
  return {
    "vm:run": task({
      description: "Runs an image under qemu",
      params: { ...others, image },
      dryRun: "record",
      pool: "console",
      run: async (context) => (await import("./machine-task.ts")).runMachine(context as unknown as Context, shop),
    }),
    "vm:check": task({
      description: "Boots an image until it prints what is expected",
      params: {
        ...others,
        image,
        expect: param.string({ description: "Regular expression that the console must match" }),
        level: param.enum(["kernel", "login", "ssh"], { default: "kernel", description: "What to wait for" }),
        timeout: param.integer({ default: 120, description: "Seconds" }),
      },
      dryRun: "record",
      run: async (context): Promise<CheckedGuest> =>
        (await import("./machine-task.ts")).checkMachine(context as unknown as Context, shop),
    }),
  };
}

/** Tasks about the data itself. */
export function describeDataTasks(shop: Shop): Kinds {
  return {
    "kernel-rootfs:validate": task({
      description: "Checks kernels, images, flavors and dockerfiles",
      run: async (context) => (await import("./data-task.ts")).validate(context as Context, shop),
    }),
    "kernel-rootfs:import-lvh": task({
      description: "Writes kernels.json and images.json as a typed builderfile",
      params: { out: param.string({ description: "File to write. Default: print it" }) },
      run: async (context) => (await import("./data-task.ts")).importLvh(context as unknown as Context, shop),
    }),
  };
}
