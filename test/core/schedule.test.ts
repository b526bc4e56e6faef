import { expect, test } from "vitest";
import type { Edge, Graph } from "../../core/graph.ts";
import { createSchedule, type Ended, type Postponed, type ScheduleOptions } from "../../core/schedule.ts";
import { task } from "../../core/task.ts";
import { graphFrom } from "./rig.ts";

/** A schedule whose tasks end when the test says so. */
function startKitchen(graph: Graph, options: Partial<ScheduleOptions> = {}, wanted = [...graph.nodes.keys()]) {
  const log: string[] = [];
  const ends = new Map<string, (ended: Ended | Postponed) => void>();
  const cancel = new AbortController();
  const schedule = createSchedule(graph, new Set(wanted), {
    jobs: 2,
    keepGoing: false,
    failFast: false,
    pools: {},
    urgency: () => 0,
    hasRoom: () => true,
    start: ({ id }, slot) => (log.push(`${id} in ${slot}`), new Promise((resolve) => ends.set(id, resolve))),
    block: ({ id }, because) => log.push(`${id} blocked by ${because}`),
    ready: () => {},
    signal: cancel.signal,
    cancel: () => cancel.abort(),
    ...options,
  });
  let isOver = false;
  const over = schedule.run().then(() => (isOver = true));
  const settle = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));
  return {
    schedule,
    over,
    /** What has happened since the last look. */
    look: async () => (await settle(), log.splice(0)),
    end: (id: string, outcome: Ended["outcome"] = "ran", isAllowed = false) => ends.get(id)!({ outcome, isAllowed }),
    postpone: (id: string, ...first: string[]) => ends.get(id)!({ first }),
    isOver: async () => (await settle(), isOver),
    abort: () => cancel.abort(),
  };
}

const final = (to: string): Edge => ({ to, kind: "finally" });
const checks = (to: string): Edge => ({ to, kind: "validation" });

test("no more tasks than jobs run at once, and a free slot is used again", async () => {
  const kitchen = startKitchen(graphFrom({ a: [], b: [], c: [] }));

  expect(await kitchen.look()).toEqual(["a in 1", "b in 2"]);
  kitchen.end("a");
  expect(await kitchen.look()).toEqual(["c in 1"]);
  kitchen.end("b");
  kitchen.end("c");
  expect(await kitchen.isOver()).toBe(true);
});

test("a task starts when all its needs are done, and no sooner", async () => {
  const kitchen = startKitchen(graphFrom({ bake: ["mix", "heat"], mix: [], heat: [] }));

  expect(await kitchen.look()).toEqual(["heat in 1", "mix in 2"]);
  kitchen.end("mix");
  expect(await kitchen.look()).toEqual([]);
  kitchen.end("heat");
  expect(await kitchen.look()).toEqual(["bake in 1"]);
});

test("the task with the longest chain behind it starts first; priority beats it, the alphabet decides the rest", async () => {
  const tasks = { d: task({ priority: 1, run: "true" }) };
  const urgency: Record<string, number> = { a: 1, b: 1, c: 5, d: 0 };
  const kitchen = startKitchen(graphFrom({ a: [], b: [], c: [], d: [] }, tasks), {
    jobs: 1,
    urgency: (id) => urgency[id]!,
  });

  const order: string[] = [];
  for (let [next] = await kitchen.look(); next !== undefined; [next] = await kitchen.look()) {
    order.push(next[0]!);
    kitchen.end(next[0]!);
  }

  expect(order).toEqual(["d", "c", "a", "b"]);
});

test("a pool's capacity is taken whole or not at all, and others pass a task that waits for it", async () => {
  const inOven = task({ pool: "oven", run: "true" });
  const inBoth = task({ pool: ["oven", "bowl"], run: "true" });
  const inBowl = task({ pool: "bowl", run: "true" });
  const graph = graphFrom({ a: [], b: [], c: [] }, { a: inOven, b: inBoth, c: inBowl });
  const kitchen = startKitchen(graph, { jobs: 9, pools: { oven: 1, bowl: 1 } });

  expect(await kitchen.look()).toEqual(["a in 1", "c in 2"]);
  kitchen.end("a");
  expect(await kitchen.look()).toEqual([]);
  kitchen.end("c");
  expect(await kitchen.look()).toEqual(["b in 1"]);
});

test.for(["memory", "disk"] as const)(
  "tasks that declare %s start while all of it together fits, and one that wants more than there is waits until it has it alone",
  async (name) => {
    const gibs = (size: `${number}GiB`) => task({ [name]: size, run: "true" });
    const graph = graphFrom(
      { a: [], b: [], c: [], d: [], e: [] },
      { a: gibs("3GiB"), b: gibs("2GiB"), c: gibs("1GiB"), e: gibs("64GiB") },
    );
    const kitchen = startKitchen(graph, { jobs: 9, budget: { [name]: 4 * 2 ** 30 } });

    expect(await kitchen.look()).toEqual(["a in 1", "c in 2", "d in 3"]);
    kitchen.end("a");
    expect(await kitchen.look()).toEqual(["b in 1"]);
    kitchen.end("c");
    expect(await kitchen.look()).toEqual([]);
    kitchen.end("b");
    expect(await kitchen.look()).toEqual(["e in 1"]);
    kitchen.end("d");
    kitchen.end("e");
    expect(await kitchen.isOver()).toBe(true);
  },
);

test("of sizes with fractions nothing is left over: who wants all of it gets it", async () => {
  const gibs = (size: `${number}GiB`) => task({ memory: size, run: "true" });
  const graph = graphFrom(
    { a: [], b: [], c: [], d: [] },
    { a: gibs("0.7GiB"), b: gibs("1.5GiB"), c: gibs("0.6GiB"), d: gibs("64GiB") },
  );
  const kitchen = startKitchen(graph, { jobs: 9, budget: { memory: 4 * 2 ** 30 } });
  await kitchen.look();

  for (const id of ["a", "b", "c"]) kitchen.end(id);

  expect(await kitchen.look()).toEqual(["d in 1"]);
});

test("after a failure nothing queued starts, and what runs may end", async () => {
  const kitchen = startKitchen(graphFrom({ a: [], b: [], c: [], eat: ["a"] }));
  await kitchen.look();

  kitchen.end("a", "failed");

  expect(await kitchen.look()).toEqual(["eat blocked by a"]);
  expect(await kitchen.isOver()).toBe(false);
  kitchen.end("b");
  expect(await kitchen.look()).toEqual(["c blocked by a"]);
  expect(await kitchen.isOver()).toBe(true);
});

test("keepGoing runs everything that does not need the failed task", async () => {
  const kitchen = startKitchen(graphFrom({ a: [], b: [], eat: ["a"], sleep: ["eat"], wash: ["b"] }), {
    jobs: 1,
    keepGoing: true,
  });
  await kitchen.look();

  kitchen.end("a", "failed");

  expect(await kitchen.look()).toEqual(["eat blocked by a", "sleep blocked by eat", "b in 1"]);
  kitchen.end("b");
  expect(await kitchen.look()).toEqual(["wash in 1"]);
});

test("failFast cancels what runs", async () => {
  let cancelled = 0;
  const kitchen = startKitchen(graphFrom({ a: [], b: [] }), { failFast: true, cancel: () => cancelled++ });
  await kitchen.look();

  kitchen.end("a", "timed-out");
  await kitchen.look();

  expect(cancelled).toBe(1);
});

test("an allowed failure stops nothing", async () => {
  const kitchen = startKitchen(graphFrom({ a: [], eat: ["a"] }));
  await kitchen.look();

  kitchen.end("a", "failed", true);

  expect(await kitchen.look()).toEqual(["eat in 1"]);
});

test("an aborted run starts nothing more", async () => {
  const kitchen = startKitchen(graphFrom({ a: [], b: [], c: ["a"] }), { jobs: 1 });
  await kitchen.look();

  kitchen.abort();
  kitchen.end("a", "cancelled");

  expect(await kitchen.look()).toEqual(["c blocked by a", "b blocked by a"]);
  expect(await kitchen.isOver()).toBe(true);
});

test.each(["ran", "failed", "cancelled"] as const)("a finally task runs when its owner has %s", async (outcome) => {
  const kitchen = startKitchen(graphFrom({ bake: [final("wash")], wash: [] }));
  expect(await kitchen.look()).toEqual(["bake in 1"]);

  kitchen.end("bake", outcome);

  expect(await kitchen.look()).toEqual(["wash in 1"]);
  kitchen.end("wash");
  expect(await kitchen.isOver()).toBe(true);
});

test("a finally task may need its owner as well", async () => {
  const kitchen = startKitchen(graphFrom({ bake: [final("wash")], wash: ["bake"] }));
  await kitchen.look();

  kitchen.end("bake", "failed");

  expect(await kitchen.look()).toEqual(["wash in 1"]);
});

test("what a finally task needs runs after a failure too, unless what it follows has never started", async () => {
  const kitchen = startKitchen(
    graphFrom({ bake: [final("wash")], wash: ["water"], water: ["pump"], pump: ["key"], key: [], eat: ["bake"] }),
    {
      jobs: 1,
      urgency: (id) => (id === "bake" ? 1 : 0),
    },
  );
  await kitchen.look();

  kitchen.end("bake", "failed");

  expect(await kitchen.look()).toEqual(["eat blocked by bake", "key in 1"]);
  for (const id of ["key", "pump", "water"]) {
    kitchen.end(id);
    await kitchen.look();
  }
  kitchen.end("wash");
  expect(await kitchen.isOver()).toBe(true);
});

test("a finally task of several waits for all of them, and is not needed when none has started", async () => {
  const graph = graphFrom({ a: ["mix"], b: ["mix"], mix: [], wash: [] });
  const owners = {
    nodes: new Map(
      [...graph.nodes].map(([id, node]) => [
        id,
        id === "a" || id === "b" ? { ...node, edges: [...node.edges, final("wash")] } : node,
      ]),
    ),
    targets: graph.targets,
  };
  const kitchen = startKitchen(owners);
  await kitchen.look();

  kitchen.end("mix", "failed");

  expect(await kitchen.look()).toEqual(["a blocked by mix", "b blocked by mix", "wash blocked by b"]);
  expect(await kitchen.isOver()).toBe(true);
});

test("the barrier waits for validations and frees the slot meanwhile", async () => {
  const kitchen = startKitchen(graphFrom({ ship: [checks("lint")], lint: [] }), {
    jobs: 1,
    urgency: (id) => (id === "ship" ? 1 : 0),
  });
  expect(await kitchen.look()).toEqual(["ship in 1"]);

  const passed = kitchen.schedule.barrier("ship");
  expect(await kitchen.look()).toEqual(["lint in 2"]);
  kitchen.end("lint");

  await expect(passed).resolves.toBeUndefined();
});

test("a task at the barrier frees its pools for the validations, and has them again afterwards", async () => {
  const base = graphFrom({ ship: [checks("lint")], lint: [], other: ["lint"] });
  const nodes = new Map(
    [...base.nodes].map(([id, node]) => [id, { ...node, task: task({ pool: "registry", run: "true" }) }]),
  );
  const kitchen = startKitchen(
    { ...base, nodes },
    { pools: { registry: 1 }, urgency: (id) => (id === "ship" ? 1 : 0) },
  );
  expect(await kitchen.look()).toEqual(["ship in 1"]);

  const passed = kitchen.schedule.barrier("ship");
  expect(await kitchen.look()).toEqual(["lint in 2"]);
  kitchen.end("lint");
  expect(await kitchen.look()).toEqual(["other in 2"]);
  kitchen.end("other");

  await expect(passed).resolves.toBeUndefined();
});

test("what needs a task at the barrier starts when it has passed and ended", async () => {
  const kitchen = startKitchen(graphFrom({ ship: [checks("lint")], lint: [], announce: ["ship"] }), {
    jobs: 1,
    urgency: (id) => (id === "ship" ? 1 : 0),
  });
  await kitchen.look();
  const passed = kitchen.schedule.barrier("ship");
  await kitchen.look();

  kitchen.end("lint");
  await passed;
  kitchen.end("ship");

  expect(await kitchen.look()).toEqual(["announce in 1"]);
});

test("the barrier does not open when a validation has failed", async () => {
  const kitchen = startKitchen(graphFrom({ ship: [checks("lint")], lint: [] }));
  await kitchen.look();

  const passed = kitchen.schedule.barrier("ship");
  kitchen.end("lint", "failed");

  await expect(passed).rejects.toMatchObject({ code: "VALIDATION_FAILED" });
});

test("the barrier does not open, and nobody waits for ever, when a failure elsewhere keeps a validation from starting", async () => {
  const kitchen = startKitchen(graphFrom({ ship: [checks("lint")], lint: ["mix"], mix: [] }));
  expect(await kitchen.look()).toEqual(["mix in 1", "ship in 2"]);

  const passed = kitchen.schedule.barrier("ship");
  kitchen.end("mix", "failed");

  await expect(passed).rejects.toMatchObject({ code: "VALIDATION_FAILED" });
});

test("the barrier does not open when an unrelated failure stops the run first", async () => {
  const kitchen = startKitchen(graphFrom({ ship: [checks("lint")], lint: ["mix"], mix: [], fry: [] }), { jobs: 3 });
  await kitchen.look();

  const passed = kitchen.schedule.barrier("ship");
  kitchen.end("fry", "failed");
  kitchen.end("mix");

  await expect(passed).rejects.toMatchObject({ code: "VALIDATION_FAILED" });
});

test("the barrier does not open when the run is cancelled", async () => {
  const kitchen = startKitchen(graphFrom({ ship: [checks("lint")], lint: [] }));
  await kitchen.look();

  const passed = kitchen.schedule.barrier("ship");
  kitchen.abort();

  await expect(passed).rejects.toBeDefined();
});

test("a busy machine gets no second task, but always the first", async () => {
  const kitchen = startKitchen(graphFrom({ a: [], b: [] }), { hasRoom: () => false });

  expect(await kitchen.look()).toEqual(["a in 1"]);
});

test("a chain of 20,000 tasks is blocked at once", async () => {
  const names = Array.from({ length: 20_000 }, (_, at) => `t${at}`);
  const kitchen = startKitchen(
    graphFrom(Object.fromEntries(names.map((name, at) => [name, at === 0 ? [] : [names[at - 1]!]]))),
  );
  await kitchen.look();

  kitchen.end("t0", "failed");

  expect(await kitchen.look()).toHaveLength(19_999);
  expect(await kitchen.isOver()).toBe(true);
});

test("a task that finds that it needs more starts again after that", async () => {
  const graph = graphFrom({ bake: ["knead"], slice: ["knead", "bake"], knead: ["grind"], grind: [], fry: [] });
  const kitchen = startKitchen(graph, { jobs: 1 }, ["bake", "slice", "fry"]);

  expect(await kitchen.look()).toEqual(["bake in 1"]);
  kitchen.postpone("bake", "knead", "grind");
  expect(await kitchen.look()).toEqual(["fry in 1"]);
  kitchen.end("fry");
  expect(await kitchen.look()).toEqual(["grind in 1"]);
  kitchen.end("grind");
  expect(await kitchen.look()).toEqual(["knead in 1"]);
  kitchen.end("knead");
  expect(await kitchen.look()).toEqual(["bake in 1"]);
  kitchen.end("bake");
  expect(await kitchen.look()).toEqual(["slice in 1"]);
  kitchen.postpone("slice", "knead", "grind");
  expect(await kitchen.look()).toEqual(["slice in 1"]);
  kitchen.end("slice");
  expect(await kitchen.isOver()).toBe(true);
});

test("a task that finds that it needs more is blocked when that fails", async () => {
  const graph = graphFrom({ bake: ["knead"], slice: ["knead"], knead: [] });
  const kitchen = startKitchen(graph, { jobs: 2, keepGoing: true }, ["bake", "slice"]);

  expect(await kitchen.look()).toEqual(["bake in 1", "slice in 2"]);
  kitchen.postpone("bake", "knead");
  expect(await kitchen.look()).toEqual(["knead in 1"]);
  kitchen.end("knead", "failed");
  expect(await kitchen.look()).toEqual(["bake blocked by knead"]);
  kitchen.postpone("slice", "knead");
  expect(await kitchen.look()).toEqual(["slice blocked by knead"]);
  expect(await kitchen.isOver()).toBe(true);
});

test("a run that was stopped starts nothing that a task finds that it needs", async () => {
  const kitchen = startKitchen(graphFrom({ bake: ["knead"], knead: [], fry: [] }), {}, ["bake", "fry"]);

  expect(await kitchen.look()).toEqual(["bake in 1", "fry in 2"]);
  kitchen.end("fry", "failed");
  kitchen.postpone("bake", "knead");
  expect(await kitchen.look()).toEqual(["bake blocked by fry", "knead blocked by fry"]);
  expect(await kitchen.isOver()).toBe(true);
});
