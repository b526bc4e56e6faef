import { expect, test } from "vitest";
import { declaredVariables, paramText, passedEnvironment, taskEnvironment } from "../../core/environment.ts";
import { param } from "../../core/params.ts";
import { task } from "../../core/task.ts";
import { nodeOf } from "./rig.ts";

test("passedEnvironment() lets through what every program needs, and nothing else", () => {
  const env = { PATH: "/bin", LC_ALL: "C", HOME: "/home", no_proxy: "*", SECRET: "x", OVEN: "1", LANG: undefined };

  expect(passedEnvironment(env)).toEqual({ SHLVL: "1", PATH: "/bin", LC_ALL: "C", HOME: "/home", no_proxy: "*" });
});

test("taskEnvironment() has the declared variables and the params, whose names are those of make", () => {
  const spec = {
    params: { ovenHeat: param.integer(), tins: param.list(), note: param.string() },
    env: ["OVEN", "KIND=tart", "GONE"],
    run: "true",
  };
  const bound = { ovenHeat: 200, tins: ["a", "b"], note: undefined };
  const node = nodeOf("bake", {
    task: task(spec),
    params: Object.fromEntries(Object.entries(bound).map(([name, value]) => [name, { value, source: "default" }])),
  });

  expect(taskEnvironment(node, { OVEN: "1", SECRET: "x" })).toEqual({
    OVEN: "1",
    KIND: "tart",
    OVEN_HEAT: "200",
    TINS: "a b",
  });
});

test("declaredVariables() tells unset from empty, and keeps further `=`", () => {
  const node = nodeOf("bake", { task: task({ env: ["A", "B", "C=", "D=e=f"], run: "true" }) });

  expect(declaredVariables(node, { B: "" })).toEqual([
    ["A", undefined],
    ["B", ""],
    ["C", ""],
    ["D", "e=f"],
  ]);
});

test.each([
  [["a", "b"], "a b"],
  [true, "true"],
  [1.5, "1.5"],
  [{ a: 1 }, '{"a":1}'],
  [null, "null"],
])("paramText(%j) is %s", (value, text) => {
  expect(paramText(value)).toBe(text);
});
