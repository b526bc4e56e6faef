/** The names that tasks need while the builderfile is evaluated, read without checks. What is wrong with the rest is found by family.ts. */
import * as fs from "node:fs";
import { noteRead } from "../../core/index.ts";
import { dataMissing, dataSyntax } from "./data-errors.ts";
import type { KernelRootfsOptions } from "./options.ts";

/** Names in the order of their versions; kernels that are opt-in are in `kernels` only. */
export interface Outline {
  readonly kernels: readonly string[];
  /** Default of KERNEL_VERSIONS. */
  readonly ordinary: readonly string[];
  /** In the order of the file. */
  readonly images: readonly string[];
  /** Debian suites, the ordinary one first. */
  readonly suites: readonly string[];
}

/** @throws BtError KERNEL_ROOTFS_DATA_MISSING, KERNEL_ROOTFS_DATA_SYNTAX */
export function loadOutline({ kernels, images, pkgRepo = "sid" }: KernelRootfsOptions): Outline {
  const facts = "kind" in kernels ? splitOverrides(kernels.overrides) : new Map(kernels.map((one) => [one.name, one]));
  const fallback = "kind" in kernels ? kernels.defaults : {};
  const entries = "kind" in kernels ? findEntries(readJson(kernels.file), "kernels") : kernels;
  const borrowed = new Set([...facts.values()].flatMap((one) => ("config" in one ? [one.config] : [])));
  const own = entries.flatMap((entry) => {
    const name = findText(entry, "name");
    if (name === undefined) return [];
    // An entry without a url that others take their options from is no kernel of its own.
    return borrowed.has(name) && findText(entry, "url") === undefined ? [] : [name];
  });
  const derived = [...facts].flatMap(([name, one]) => ("config" in one ? [name] : []));
  const names = [...new Set([...own, ...derived])].sort(compareVersions);
  const imageEntries = "kind" in images ? findEntries(readJson(images.file)) : images;
  const suites = names.map((name) => facts.get(name)?.pkgRepo ?? fallback.pkgRepo ?? pkgRepo);
  return {
    kernels: names,
    ordinary: names.filter((name) => (facts.get(name)?.optIn ?? fallback.optIn) !== true),
    images: [...new Set(imageEntries.flatMap((entry) => findText(entry, "name") ?? []))],
    suites: [...new Set([pkgRepo, ...suites.toSorted()])],
  };
}

/** One record for each name of `5.4|5.10`. */
export function splitOverrides<F>(overrides: Readonly<Record<string, F>>): Map<string, F> {
  return new Map(
    Object.entries(overrides).flatMap(([key, facts]) => key.split("|").map((name) => [name.trim(), facts] as const)),
  );
}

/** By number in each part: 5.4 before 5.15; names without a number last. */
export function compareVersions(a: string, b: string): number {
  const [one, other] = [partsOf(a), partsOf(b)];
  const isNumber = (parts: readonly (string | number)[]): number => Number(typeof parts[0] !== "number");
  if (isNumber(one) !== isNumber(other)) return isNumber(one) - isNumber(other);
  for (const [at, part] of one.entries()) {
    const against = other[at];
    if (against === undefined) return 1;
    if (part === against) continue;
    if (typeof part === "number" && typeof against === "number") return part - against;
    return String(part) < String(against) ? -1 : 1;
  }
  return one.length - other.length;
}

function partsOf(version: string): (string | number)[] {
  return (version.match(/\d+|[^\d.]+/g) ?? []).map((part) => (/^\d/.test(part) ? Number(part) : part));
}

/** A whole JSON file, and bt is told that the builderfile depends on it. */
function readJson(file: string): unknown {
  noteRead(file);
  let text: string;
  try {
    text = fs.readFileSync(file, "utf8");
  } catch (error) {
    throw dataMissing(file, error);
  }
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (error) {
    throw dataSyntax(file, text, error);
  }
}

function findEntries(value: unknown, key?: string): readonly unknown[] {
  const list = key === undefined ? value : findValue(value, key);
  return Array.isArray(list) ? list : [];
}

function findText(value: unknown, key: string): string | undefined {
  const found = findValue(value, key);
  return typeof found === "string" ? found : undefined;
}

/** Keys match in any case, as they do for little-vm-helper. */
function findValue(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.entries(value).find(([name]) => name.toLowerCase() === key)?.[1];
}
