/** A builderfile or plugin that cannot be read, or is not as it should be. Does not know how it is read. */
import { BtError, closest, firstLine, quoteNames, type Place, type Site } from "../errors.ts";

export function builderfileMissing(file: string | undefined, from: string | undefined): BtError {
  if (file === undefined) {
    return new BtError("BUILDERFILE_MISSING", `There is no builderfile in "${from}" or above`, {
      fix: "Write one with `bt --init`, or name one with `-f FILE` or its folder with `-C DIR`.",
    });
  }
  return new BtError("BUILDERFILE_MISSING", `There is no file "${file}"`, {
    ...(from === undefined ? {} : { at: { where: from } }),
    fix: from === undefined ? "Correct the path after `-f`." : 'Correct the path after "builderfile".',
  });
}

export function builderfileSyntax(text: string, at: Place | undefined): BtError {
  const isImport = text.startsWith("Could not resolve");
  return new BtError("BUILDERFILE_SYNTAX", `The builderfile cannot be compiled: ${text.replace(/\.$/, "")}`, {
    fix: isImport ? "Correct the path of the import." : "Correct this line.",
    ...(at === undefined ? {} : { at }),
  });
}

export function builderfileThrew(cause: unknown, at: Place): BtError {
  return new BtError("BUILDERFILE_THREW", `The builderfile failed while it was read: ${firstLine(cause)}`, {
    at,
    fix: "Correct what it does outside of tasks.",
    cause,
  });
}

/** `field` undefined: the default export as a whole. */
export function builderShape(field: string | undefined, found: string, allowed: string): BtError {
  if (field !== undefined) {
    return new BtError("BUILDER_SHAPE", `${field} of the builderfile is ${found}, but takes ${allowed}`, {
      fix: `Give ${field} such a value.`,
    });
  }
  const problem =
    found === "undefined"
      ? "The builderfile has no default export"
      : `The builderfile exports ${found}, but takes ${allowed}`;
  return new BtError("BUILDER_SHAPE", problem, { fix: "End it with `export default defineBuilder({ … })`." });
}

export function builderFieldUnknown(field: string, known: readonly string[]): BtError {
  const near = closest(field, known);
  return new BtError("BUILDER_FIELD_UNKNOWN", `A builderfile has no "${field}"`, {
    fix: near === undefined ? `Use one of ${quoteNames(known)}.` : `Use "${near}".`,
  });
}

/** `of` is whose option it is: `image()`. */
export function fieldMissing(of: string, field: string): BtError {
  return new BtError("FIELD_MISSING", `The option "${field}" of ${of} is missing`, { fix: `Give "${field}" a value.` });
}

/** `field` undefined: all options together. */
export function fieldShape(
  of: string,
  field: string | undefined,
  { found, allowed }: { readonly found: string; readonly allowed: string },
): BtError {
  const what = field === undefined ? `What ${of} is given is` : `The option "${field}" of ${of} is`;
  return new BtError("FIELD_SHAPE", `${what} ${found}, but takes a ${allowed}`, {
    fix: field === undefined ? "Write a record of options: `{ … }`." : `Give "${field}" such a value.`,
  });
}

export function fieldUnknown(of: string, field: string, known: readonly string[]): BtError {
  const near = closest(field, known);
  return new BtError("FIELD_UNKNOWN", `"${field}" is no option of ${of}`, {
    fix: near === undefined ? `Use one of ${quoteNames(known)}.` : `Use "${near}".`,
  });
}

/** Whose name it is: of a task, or another name of the task `alias`. */
export interface NameOwner {
  readonly plugin: string | undefined;
  readonly aliasOf?: string;
}

export function nameClash(name: string, owners: readonly [NameOwner, NameOwner], site: Site): BtError {
  const [first, second] = owners.map(({ plugin, aliasOf }) => {
    const from = plugin === undefined ? "of the builderfile" : `of plugin "${plugin}"`;
    return aliasOf === undefined ? `a task ${from}` : `an alias of "${aliasOf}" ${from}`;
  });
  const hasPlugin = owners.some(({ plugin }) => plugin !== undefined);
  return new BtError("NAME_CLASH", `The name "${name}" is taken twice: by ${first} and by ${second}`, {
    site,
    fix: `Rename one of them${hasPlugin ? ", or give the plugin another prefix" : ""}.`,
  });
}

export function packageMissing(specifier: string, packageName: string, cause: unknown): BtError {
  const own = /^builderfile\/plugins\/(.*)$/.exec(specifier)?.[1];
  if (own !== undefined) {
    return new BtError("PACKAGE_MISSING", `bt has no plugin "${own}"`, {
      fix: "Correct the name in the import.",
      cause,
    });
  }
  return new BtError("PACKAGE_MISSING", `The builderfile imports "${specifier}", which is not installed`, {
    fix: `Run \`npm install ${packageName}\`, or correct the import.`,
    cause,
  });
}

export function platformUnknown(name: string, known: readonly string[]): BtError {
  const near = closest(name, known);
  return new BtError("PLATFORM_UNKNOWN", `There is no architecture "${name}"`, {
    fix: near === undefined ? `Use one of ${known.join(", ")}.` : `Use "${near}"; there are ${known.join(", ")}.`,
  });
}

/** `plugin` is "builderfile" for taps of the builderfile itself. */
export function pluginFailed(plugin: string, when: string, cause: unknown): BtError {
  const isOwn = plugin === "builderfile";
  return new BtError(
    "PLUGIN_FAILED",
    `${isOwn ? "The builderfile" : `Plugin "${plugin}"`} failed ${when}: ${firstLine(cause)}`,
    {
      at: { where: isOwn ? "`apply` of the builderfile" : `plugin "${plugin}"` },
      fix: isOwn ? "Correct its `apply`." : "Correct the plugin, or leave it out of `plugins`.",
      cause,
    },
  );
}

export function pluginTwice(plugin: string): BtError {
  return new BtError("PLUGIN_TWICE", `Plugin "${plugin}" is in the builderfile twice`, {
    at: { where: `plugin "${plugin}"` },
    fix: "Leave one of them out, or give one another `name`.",
  });
}

export function taskShape(field: string | undefined, found: string, allowed: string): BtError {
  const what = field === undefined ? "A task is described by" : `"${field}" of a task is`;
  return new BtError("TASK_SHAPE", `${what} ${found}, but takes ${allowed}`, {
    fix: field === undefined ? "Write `task({ … })`." : `Give "${field}" such a value.`,
  });
}

export function taskFieldUnknown(field: string, known: readonly string[]): BtError {
  const near = closest(field, known);
  return new BtError("TASK_FIELD_UNKNOWN", `A task has no "${field}"`, {
    fix: near === undefined ? `Use one of ${quoteNames(known)}.` : `Use "${near}".`,
  });
}
