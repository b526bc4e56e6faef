/** Calls of Bazel: configs of an architecture, targets, outputs. Does not know what the targets do. */
import type { Arch, Context } from "../../core/index.ts";
import { bazelConfig } from "./arch.ts";
import { labelOutputs } from "./errors.ts";
import type { Shop } from "./options.ts";
import { pushIdle, warnIdle, type PushValues } from "./params.ts";

/** Words of a call, without the program: `run --config=x86_64 --config=cs9`. */
export function bazelWords(
  { options, variants }: Shop,
  command: "build" | "run" | "cquery",
  { arch, stream }: { readonly arch: Arch; readonly stream: string | undefined },
): readonly string[] {
  const { startup = [], configs } = options.bazel ?? {};
  const number = (variants.find(({ name }) => name === stream) ?? variants[0])?.stream;
  const own = configs ?? (number === undefined ? [] : [`cs${number}`]);
  return [...startup, command, ...[bazelConfig(arch), ...own].map((config) => `--config=${config}`)];
}

/** Bazel's program. */
export function bazelProgram({ options }: Shop): string {
  return options.bazel?.program ?? "bazel";
}

/** Builds the targets for each architecture. All are tried; the first failure is thrown. */
export async function buildTargets(context: Context, shop: Shop): Promise<void> {
  const { params, exec, isDryRun } = context;
  const { buildArch, stream } = params as unknown as PushValues; // As pushParams() declares them.
  warnIdle(context, pushIdle);
  const { targets = ["//..."], query, startup = [] } = shop.options.bazel ?? {};
  const program = bazelProgram(shop);
  const found = query === undefined ? undefined : await exec(program, [...startup, "query", query], { show: isDryRun });
  const labels = found?.stdout.split("\n").filter((label) => label !== "") ?? [];
  await tryAll(buildArch, (arch) =>
    exec(program, [...bazelWords(shop, "build", { arch, stream }), ...targets, ...labels]),
  );
}

/** Does it for all, one after the other, and throws the first failure then: one that fails hides none. */
export async function tryAll<T>(all: readonly T[], work: (one: T) => Promise<unknown>): Promise<void> {
  const failures: unknown[] = [];
  for (const one of all) await work(one).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}

/** As `--output=files`, which releases before 5.3 do not know. */
const listFiles = ["--output=starlark", '--starlark:expr="\\n".join([file.path for file in target.files.to_list()])'];

/** Builds a program for this machine; resolves to its file, relative to the root. @throws BtError BAZEL_BUILDER_OUTPUT */
export async function buildProgram(
  { exec, isDryRun }: Context,
  shop: Shop,
  { label, ...place }: { readonly label: string; readonly arch: Arch; readonly stream: string | undefined },
): Promise<string> {
  const program = bazelProgram(shop);
  await exec(program, [...bazelWords(shop, "build", place), label]);
  const asked = await exec(program, [...bazelWords(shop, "cquery", place), ...listFiles, label], {
    show: isDryRun,
  });
  if (isDryRun) return `<output of ${label}>`;
  const outputs = asked.stdout.split("\n").filter((file) => file !== "");
  const [only] = outputs;
  if (only === undefined || outputs.length > 1) throw labelOutputs(label, outputs);
  return only;
}
