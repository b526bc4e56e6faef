/** Several mistakes as one message: the first with its place and fix, the others below it. Knows only BtError. */
import { BtError } from "../../core/index.ts";

/** Throws what was found, if anything; the same only once. */
export function throwTogether(mistakes: readonly BtError[]): void {
  const unique = [...new Map(mistakes.map((one) => [`${one.message} ${one.at?.line}`, one])).values()];
  const [first, ...others] = unique;
  if (first === undefined) return;
  if (others.length === 0) throw first;
  const { fix, at, site, exitCode, detail, cause } = first;
  const lines = others.map(
    ({ message, at: place }) => `also${place === undefined ? "" : ` at ${renderPlace(place)}`}: ${message}`,
  );
  throw new BtError(first.code, first.message, {
    fix,
    exitCode,
    cause,
    detail: [...detail, ...lines],
    ...(at === undefined ? {} : { at }),
    ...(site === undefined ? {} : { site }),
  });
}

function renderPlace({ where, line, column }: NonNullable<BtError["at"]>): string {
  return [where, line, column].filter((part) => part !== undefined).join(":");
}
