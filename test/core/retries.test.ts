import { expect, test } from "vitest";
import { toRetries } from "../../core/retries.ts";

test("a number is tries after a failure, at once; what is left out has its default", () => {
  expect(toRetries(undefined)).toEqual({ times: 0, delayMs: 0, factor: 2, on: ["failure"] });
  expect(toRetries(2)).toEqual({ times: 2, delayMs: 0, factor: 2, on: ["failure"] });
  expect(toRetries({ times: 1, delayMs: 5, on: ["timeout"] })).toEqual({
    times: 1,
    delayMs: 5,
    factor: 2,
    on: ["timeout"],
  });
});
