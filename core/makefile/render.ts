/** Drafts of tasks as the text of a builderfile. Pure. */
import type { Draft, DraftParam } from "./draft.ts";

export function renderBuilderfile(
  drafts: readonly Draft[],
  { makefile, goal }: { readonly makefile: string; readonly goal?: string | undefined },
): string {
  const names = nameConstants(drafts);
  const idOf = (name: string): string => names.get(name) ?? JSON.stringify(name);
  const params = nameParams(drafts);
  const used = [
    ...(drafts.some(({ orderOnly }) => orderOnly.length > 0) ? ["after"] : []),
    "defineBuilder",
    ...(drafts.some(({ body }) => body.kind === "kept") ? ["make"] : []),
    ...(params.size > 0 ? ["param"] : []),
    ...(drafts.some(({ body }) => body.kind !== "kept") ? ["task"] : []),
  ];
  const declared = [...params.values()].map(({ param, id }) => {
    const value = param.default === undefined ? "" : `, default: ${JSON.stringify(param.default)}`;
    const kind = /PASSW|TOKEN|SECRET/.test(param.name) ? "secret" : "string";
    return `  ${id}: param.${kind}({ env: ${JSON.stringify(param.name)}${value} }),\n`;
  });
  const varOf = (param: DraftParam): string => params.get(paramKey(param))?.id ?? "";
  const tasks = drafts.map((draft) => renderTask(draft, { idOf, varOf }));
  const entries = drafts.map(
    ({ name }) => `    ${name === idOf(name) ? name : `${JSON.stringify(name)}: ${idOf(name)}`},\n`,
  );
  const start = names.has(goal ?? "") ? `  default: ${idOf(goal ?? "")},\n` : "";
  return [
    `/** Imported from ${makefile}; every command is the one that make ran. */\n`,
    `import { ${used.join(", ")} } from "builderfile";\n\n`,
    ...(declared.length === 0
      ? []
      : ["/** Variables that a caller may set. */\nconst vars = {\n", ...declared, "};\n\n"]),
    tasks.join("\n"),
    `\nexport default defineBuilder({\n${start}  tasks: {\n${entries.join("")}  },\n});\n`,
  ].join("");
}

interface Names {
  readonly idOf: (name: string) => string;
  readonly varOf: (param: DraftParam) => string;
}

function renderTask(draft: Draft, { idOf, varOf }: Names): string {
  const { name, target, dir, makefile, description, place, body, needs, orderOnly, params, env, prelude = "" } = draft;
  const comment = [
    ...(place === undefined ? [] : [`from ${place}`]),
    ...(body.kind === "kept" ? [`kept: ${body.why}`] : []),
    ...(name === target ? [] : [`called "${target}" there`]),
  ].join("; ");
  const all = [...needs.map(idOf), ...orderOnly.map((need) => `after(${idOf(need)})`)];
  const wanted = all.length === 0 ? [] : [`needs: [${all.join(", ")}]`];
  const said = description === undefined ? [] : [`description: ${JSON.stringify(description)}`];
  const head = `${comment === "" ? "" : `// ${comment}\n`}const ${idOf(name)} = `;
  if (body.kind === "kept") {
    const fields = [
      ...said,
      ...wanted,
      ...renderParams(params, varOf),
      ...(env.length === 0 ? [] : [`env: ${renderList(env)}`]),
      ...(dir === "" ? [] : [`dir: ${JSON.stringify(dir)}`]),
      ...(makefile === undefined ? [] : [`file: ${JSON.stringify(makefile)}`]),
    ];
    const options = fields.length === 0 ? "" : `, { ${fields.join(", ")} }`;
    return `${head}make.target(${JSON.stringify(target)}${options});\n`;
  }
  const fields = [
    ...said,
    ...wanted,
    ...renderParams(params, varOf),
    ...(env.length === 0 ? [] : [`env: ${renderList(env)}`]),
    ...(body.kind === "group" || dir === "" ? [] : [`cwd: ${JSON.stringify(dir)}`]),
    ...(body.kind === "group" || body.makes === undefined
      ? []
      : [`inputs: ${renderList(body.makes.inputs)}`, `outputs: ${renderList(body.makes.outputs)}`]),
    ...(body.kind === "group" ? [] : renderCommands(body.commands, prelude)),
  ];
  if (fields.length === 0) return `${head}task({});\n`;
  return `${head}task({\n${fields.map((field) => `  ${field},\n`).join("")}});\n`;
}

function renderParams(params: readonly DraftParam[], varOf: Names["varOf"]): readonly string[] {
  const entries = params.map((param) => `${paramId(param.name)}: vars.${varOf(param)}`);
  return entries.length === 0 ? [] : [`params: { ${entries.join(", ")} }`];
}

function renderList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(", ")}]`;
}

function renderCommands(
  commands: readonly { readonly text: string; readonly isIgnored: boolean }[],
  prelude: string,
): readonly string[] {
  const lines = commands.map(
    ({ text, isIgnored }) => `    await $\`${escapeTemplate(prelude + text)}\`${isIgnored ? ".nothrow()" : ""};\n`,
  );
  return [`dryRun: "record"`, `run: async ({ $ }) => {\n${lines.join("")}  }`];
}

function escapeTemplate(text: string): string {
  return text.replaceAll(/[\\`]|\$\{/g, "\\$&");
}

/** Two Makefiles may have two defaults for one variable. */
function nameParams(
  drafts: readonly Draft[],
): ReadonlyMap<string, { readonly param: DraftParam; readonly id: string }> {
  const found = new Map<string, { param: DraftParam; id: string }>();
  const taken = new Set<string>();
  for (const param of drafts.flatMap((draft) => draft.params)) {
    if (found.has(paramKey(param))) continue;
    let id = paramId(param.name);
    for (let count = 2; taken.has(id); count++) id = `${paramId(param.name)}${count}`;
    taken.add(id);
    found.set(paramKey(param), { param, id });
  }
  return found;
}

function paramKey({ name, default: value }: DraftParam): string {
  return `${name}\0${value ?? "\0"}`;
}

function paramId(name: string): string {
  const words = name.toLowerCase().split("_").filter(Boolean);
  const id = words.map((word, at) => (at === 0 ? word : word[0]!.toUpperCase() + word.slice(1))).join("");
  return /^[a-z]/.test(id) ? id : `_${id}`;
}

/** An identifier for each task, that no word of the language has. */
function nameConstants(drafts: readonly Draft[]): ReadonlyMap<string, string> {
  const taken = new Set(reserved);
  const names = new Map<string, string>();
  for (const { name } of drafts) {
    const words = name.split(/[^A-Za-z0-9]+/).filter(Boolean);
    const joined =
      words.map((word, at) => (at === 0 ? word : word[0]!.toUpperCase() + word.slice(1))).join("") || "task";
    const base = /^[A-Za-z]/.test(joined) ? joined : `task${joined}`;
    let id = base;
    for (let count = 2; taken.has(id); count++) id = `${base}${count}`;
    taken.add(id);
    names.set(name, id);
  }
  return names;
}

const reserved = new Set(
  `after arguments await break case catch class const continue debugger default defineBuilder delete do else enum export extends false finally for
  function if import in instanceof interface let make new null package param private protected public return static super switch task this throw
  true try typeof undefined var vars void while with yield async of`.split(/\s+/),
);
