import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";
import { createDocument, keyOf } from "../../core/fingerprint.ts";
import { openState, type State, type TaskRecord } from "../../core/state.ts";
import { temporaryFolder } from "../support/temporary.ts";

const record = (id: string, salt = ""): TaskRecord => {
  const document = createDocument(
    [{ name: "salt", value: salt }],
    [{ path: `${id}.in`, kind: "file", digest: salt, signature: "1" }],
  );
  return {
    id,
    key: keyOf(document),
    document,
    outputs: [{ path: `${id}.out`, kind: "file", digest: salt }],
    durationMs: 5,
  };
};
const open = (folder: string): State => openState(folder, { readOnly: false });
const logOf = (folder: string): string => path.join(folder, "state.log");

/** Appends these lines with one bt, and closes it. */
function remember(folder: string, ...lines: readonly Parameters<State["append"]>[0][]): void {
  const state = open(folder);
  for (const line of lines) state.append(line);
  state.close();
}

test("what one bt appends, the next one finds", async () => {
  const folder = await temporaryFolder();
  remember(folder, record("bake", "1"), record("mix"), record("bake", "2"));

  const state = open(folder);

  expect(state.find("bake")).toEqual(record("bake", "2"));
  expect(state.find("fry")).toBeUndefined();
  expect(state.durationMs("mix")).toBe(5);
  expect(state.memo.get("bake.in")?.digest).toBe("2");
  expect(state.memo.get("bake.out")?.digest).toBe("2");
  expect(state.warning).toBeUndefined();
});

test("a task without a record knows why", async () => {
  const folder = await temporaryFolder();
  remember(
    folder,
    record("a"),
    { id: "a", gone: "running" },
    { id: "b", gone: "failed", durationMs: 9 },
    { id: "c", gone: "changed" },
  );

  const state = open(folder);

  expect(["a", "b", "c", "d"].map((id) => [state.find(id), state.whyGone(id).kind])).toEqual([
    [undefined, "interrupted-before"],
    [undefined, "failed-before"],
    [undefined, "changed-while-running"],
    [undefined, "first-run"],
  ]);
  expect(state.durationMs("b")).toBe(9);
});

test("a last line that is torn anywhere is left out, and the next record stands on a line of its own", async () => {
  const folder = await temporaryFolder();
  remember(folder, record("bake"));
  const whole = fs.readFileSync(logOf(folder));
  remember(folder, record("mix", "käse"));
  const both = fs.readFileSync(logOf(folder));

  for (let size = whole.length; size < both.length; size++) {
    fs.writeFileSync(logOf(folder), both.subarray(0, size));
    remember(folder, record("fry"));
    const state = open(folder);
    expect([
      state.find("bake") !== undefined,
      state.find("mix"),
      state.find("fry") !== undefined,
      state.warning,
    ]).toEqual([true, undefined, true, undefined]);
    state.close();
  }
});

test("a damaged record in the middle costs its own task only", async () => {
  const folder = await temporaryFolder();
  remember(folder, record("bake"), record("mix", "salty"), record("fry"));
  fs.writeFileSync(logOf(folder), fs.readFileSync(logOf(folder), "utf8").replace("salty", "sweet"));

  const state = open(folder);

  expect([state.find("bake")?.id, state.find("mix"), state.find("fry")?.id]).toEqual(["bake", undefined, "fry"]);
  expect(state.whyGone("mix")).toEqual({ kind: "state-lost" });
  expect(state.warning).toBe("1 record of it is damaged");
});

test.each([
  ["bt-state 2\n", "it is of version 2, and this bt reads version 1"],
  ["rubbish", "it is damaged"],
  ["", "it is damaged"],
])("a foreign log is put aside, and all tasks have lost their records: %j", async (content, why) => {
  const folder = await temporaryFolder();
  fs.writeFileSync(logOf(folder), content);

  const state = open(folder);
  state.append(record("bake"));
  state.close();

  expect([state.warning, state.whyGone("mix")]).toEqual([why, { kind: "state-lost" }]);
  expect(fs.readFileSync(`${logOf(folder)}.bad`, "utf8")).toBe(content);
  expect(open(folder).find("bake")?.id).toBe("bake");
});

test("a folder where the log should be is put aside as well", async () => {
  const folder = await temporaryFolder();
  fs.mkdirSync(logOf(folder));

  remember(folder, record("bake"));

  expect(open(folder).find("bake")?.id).toBe("bake");
});

test("a reader writes nothing, not even where there is nothing yet", async () => {
  const folder = await temporaryFolder();
  const state = openState(path.join(folder, ".bt"), { readOnly: true });

  state.append(record("bake"));
  state.close();

  expect(state.find("bake")?.id).toBe("bake");
  expect(fs.readdirSync(folder)).toEqual([]);
});

test("a log of many dead records is compacted, and nothing is lost", async () => {
  const folder = await temporaryFolder();
  const state = open(folder);
  for (let round = 0; round < 1100; round++) state.append(record("bake", String(round)));
  state.append({ id: "fry", gone: "failed" });
  state.close();
  const before = fs.statSync(logOf(folder)).size;

  const compacted = open(folder);
  compacted.append(record("mix"));
  compacted.close();

  expect(fs.statSync(logOf(folder)).size).toBeLessThan(before / 100);
  const again = open(folder);
  expect([again.find("bake")?.document.leaves.at(-1)?.value, again.find("mix")?.id, again.whyGone("fry").kind]).toEqual(
    ["1099", "mix", "failed-before"],
  );
});

test("two bts see what the other one has appended, also after one has compacted the log", async () => {
  const folder = await temporaryFolder();
  const [one, other] = [open(folder), open(folder)];

  one.append(record("bake", "1"));
  other.refresh();
  expect(other.find("bake")?.id).toBe("bake");

  for (let round = 0; round < 1100; round++) other.append(record("mix", String(round)));
  const third = open(folder);
  one.append(record("fry"));
  for (const state of [one, other, third]) {
    state.refresh();
    expect([state.find("bake")?.id, state.find("mix")?.document.leaves.at(-1)?.value, state.find("fry")?.id]).toEqual([
      "bake",
      "1099",
      "fry",
    ]);
  }
});

test("a log that somebody removes meanwhile is made again with all that is known", async () => {
  const folder = await temporaryFolder();
  const state = open(folder);
  state.append(record("bake"));
  fs.rmSync(folder, { recursive: true });
  fs.mkdirSync(folder);

  state.append(record("mix"));
  state.close();

  const again = open(folder);
  expect([again.find("bake")?.id, again.find("mix")?.id]).toEqual(["bake", "mix"]);
});

test("records that wait are written with the next one, and by sync()", async () => {
  const folder = await temporaryFolder();
  const state = open(folder);
  state.appendLater({ id: "a", gone: "running" });
  expect(open(folder).whyGone("a").kind).toBe("first-run");
  expect(state.whyGone("a").kind).toBe("interrupted-before");

  state.append(record("b"));
  expect(open(folder).whyGone("a").kind).toBe("interrupted-before");

  state.appendLater(record("a"));
  state.sync();
  expect(open(folder).find("a")?.id).toBe("a");
});
