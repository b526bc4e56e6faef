import { expect, test } from "vitest";
import { createAssigner, type Assignment } from "../../core/assign.ts";
import { param } from "../../core/params.ts";
import { task } from "../../core/task.ts";
import { codesOf } from "./rig.ts";

const bake = { name: "bake", task: task({ params: { ovenHeat: param.integer() }, run: "true" }) };
const fry = { name: "fry", task: task({ params: { ovenHeat: param.integer() }, run: "true" }) };
const assigner = (...assignments: readonly Assignment[]) => createAssigner(assignments, { env: {}, builderfile: {} });
const heatOf = async (one: ReturnType<typeof assigner>, named = bake): Promise<unknown> =>
  (await one.bind(named, {}))["ovenHeat"]?.value;

test("a value goes to every task that declares it, by variable or option name", async () => {
  const byVariable = assigner({ name: "OVEN_HEAT", value: "200" });
  const byOption = assigner({ name: "oven-heat", value: "200" });

  expect([await heatOf(byVariable), await heatOf(byVariable, fry), await heatOf(byOption)]).toEqual([200, 200, 200]);
});

test("the last value wins, and one for a task beats those for all", async () => {
  const one = assigner(
    { name: "OVEN_HEAT", value: "1", task: "bake" },
    { name: "OVEN_HEAT", value: "2" },
    { name: "OVEN_HEAT", value: "3" },
  );

  expect([await heatOf(one), await heatOf(one, fry)]).toEqual([1, 3]);
});

test("checkAllTaken() names every value that no task has taken", async () => {
  const one = assigner(
    { name: "OVEN_HEAT", value: "1" },
    { name: "HEAT", value: "1" },
    { name: "OVEN_HEAT", value: "1", task: "fry" },
  );
  await heatOf(one);

  expect(await codesOf(one.checkAllTaken)).toEqual(["VARIABLE_UNKNOWN", "VARIABLE_UNKNOWN"]);
});

test("checkAllTaken() is content when every value was taken, also one that another beat", async () => {
  const one = assigner({ name: "OVEN_HEAT", value: "1" }, { name: "oven-heat", value: "2" });
  await heatOf(one);

  expect(await codesOf(one.checkAllTaken)).toEqual([]);
});
