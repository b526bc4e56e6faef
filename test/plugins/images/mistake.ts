/** Dockerfiles with one mistake, and the whole message that it gives. Does not know which mistakes there are. */
import { expect, test } from "vitest";
import { failure, render, type Files, type Options } from "./rig.ts";

/** One mistake. */
export interface Mistake {
  readonly title: string;
  /** After `FROM scratch`, unless they have a FROM. */
  readonly lines: string;
  /** Besides the file `bread`. */
  readonly files?: Files;
  readonly options?: Options;
  /** Code, problem, place and fix, a line each. */
  readonly message: string;
}

/** A test for each mistake. */
export function testMistakes(mistakes: readonly Mistake[]): void {
  for (const { title, lines, files = {}, options = {}, message } of mistakes) {
    test(`${message.split("\n")[0]!}: ${title}`, async () => {
      const text = lines.includes("FROM") ? lines : `FROM scratch\n${lines}`;

      const error = await failure({ Dockerfile: `${text}\n`, bread: "rye", ...files }, options);

      expect(render(error)).toBe(message);
      expect(error.exitCode).toBe(2);
    });
  }
}
