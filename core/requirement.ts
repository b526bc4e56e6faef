/** A program that a plugin needs on this machine, as its tap of `doctor` tells it. Looks at PATH; starts nothing. */
import { findText, findTool } from "./files.ts";
import type { Requirement } from "./hooks.ts";
import { findManager, installCommand, packagesOf, type PackageManager, type Packages } from "./packages.ts";

export interface ToolFacts {
  readonly plugin: string;
  /** Where PATH is looked up. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: only some tasks need it. */
  readonly isRequired?: boolean;
  /** What for; stands behind the name. */
  readonly purpose?: string;
  /** Default: the packages that are known to have it, or that are called as it is. */
  readonly install?: string | Packages;
}

/** A requirement for one program: its name, or its path. */
export function describeTool(program: string, facts: ToolFacts): Requirement {
  const { plugin, env, isRequired = false, purpose, install = packagesOf(program) } = facts;
  const found = findTool(program, env["PATH"] ?? "");
  return {
    name: purpose === undefined ? program : `${program} (${purpose})`,
    plugin,
    isRequired,
    install,
    ...(found === undefined ? {} : { found }),
  };
}

/** How to get what is missing, on this machine. */
export function describeInstall({ install }: Pick<Requirement, "install">): string {
  return installCommand(install, hostManager());
}

/** The package manager of this machine. */
export function hostManager(): PackageManager | undefined {
  return findManager(findText("/etc/os-release") ?? findText("/usr/lib/os-release") ?? "");
}
