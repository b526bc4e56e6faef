import fc from "fast-check";
import { expect, test } from "vitest";
import {
  compareDocuments,
  createDocument,
  diffDocuments,
  keyOf,
  keyText,
  parseKeyText,
  resultDigest,
  stableJson,
  type KeyDocument,
  type Leaf,
} from "../../core/fingerprint.ts";
import type { FileFact, FileKind } from "../../core/files.ts";

// Few names and values, so that equal ones come up often.
const name = fc.constantFrom("code", "param/tag", "need/mix", "plugin of\nmine", 'a "b"');
const leaf: fc.Arbitrary<Leaf> = fc.record({ name, value: fc.constantFrom("", "a", "=a", '"\n') });
const fact: fc.Arbitrary<FileFact> = fc.record({
  path: fc.constantFrom("flour", "a b", 'c"d', "e\nf", "g file h"),
  kind: fc.constantFrom<FileKind>("file", "exec", "link", "folder", "missing"),
  digest: fc.constantFrom("", "1", "2"),
});
const parts = fc.record({
  leaves: fc.array(leaf, { maxLength: 4 }),
  inputs: fc.uniqueArray(fact, { maxLength: 4, selector: ({ path }) => path }),
});
const create = ({ leaves, inputs }: KeyDocument): KeyDocument => createDocument(leaves, inputs);

/** Two documents that say nearly, and often exactly, the same: the second in another order, with one part twice, gone, new or another. */
const pair = fc
  .record({ one: parts, other: parts, change: fc.nat(5), at: fc.nat(3) })
  .map(({ one, other, change, at }): [KeyDocument, KeyDocument] => {
    const turned = { leaves: one.leaves.toReversed(), inputs: one.inputs.toReversed() };
    const changed = [
      turned,
      { ...turned, leaves: [...turned.leaves, ...turned.leaves.slice(0, at)] },
      { ...turned, inputs: [...turned.inputs, ...turned.inputs.slice(0, at)] },
      { ...turned, leaves: turned.leaves.toSpliced(at, 1, ...other.leaves.slice(0, 1)) },
      { ...turned, inputs: turned.inputs.toSpliced(at, 1) },
      other,
    ];
    return [create(one), create(changed[change]!)];
  });

/** What a document says, whatever the order it was said in: every name with all its values. */
function meaning({ leaves, inputs }: KeyDocument): string {
  const said = [
    ...leaves.map((one) => JSON.stringify(["leaf", one.name, one.value])),
    ...inputs.map((one) => JSON.stringify(["input", one.path, one.kind, one.digest])),
  ];
  return [...new Set(said)].sort().join("\n");
}

test("documents have equal keys if and only if they say the same", () => {
  fc.assert(
    fc.property(pair, ([one, other]) => {
      expect(keyOf(one) === keyOf(other)).toBe(meaning(one) === meaning(other));
    }),
    { numRuns: 2000 },
  );
});

test("the difference of two documents is empty if and only if their keys are equal", () => {
  fc.assert(
    fc.property(pair, ([before, now]) => {
      expect(diffDocuments(before, now).length === 0).toBe(keyOf(before) === keyOf(now));
    }),
    { numRuns: 2000 },
  );
});

test("the order in which a document was collected does not matter", () => {
  fc.assert(
    fc.property(parts, fc.nat(), ({ leaves, inputs }, turn) => {
      const turned = <T>(list: readonly T[]): T[] =>
        [...list.slice(turn % (list.length + 1)), ...list.slice(0, turn % (list.length + 1))].reverse();
      expect(keyOf(createDocument(turned(leaves), turned(inputs)))).toBe(keyOf(createDocument(leaves, inputs)));
    }),
  );
});

test("a document that was stored as JSON keeps its key", () => {
  fc.assert(
    fc.property(parts, (one) => {
      const document = create(one);
      expect(keyOf(JSON.parse(JSON.stringify(document)) as KeyDocument)).toBe(keyOf(document));
    }),
  );
});

test("times, signatures and the like are not in the key", () => {
  const at = (signature: string): string =>
    keyOf(createDocument([], [{ path: "flour", kind: "file", digest: "1", signature }]));

  expect(at("1 2 3")).toBe(at("4 5 6"));
});

test("every kind of difference has its own reason", () => {
  const file = (path: string, digest: string, is: FileKind = "file"): FileFact => ({ path, kind: is, digest });
  const before = createDocument(
    [
      { name: "command", value: "bake" },
      { name: "param/heat", value: "1" },
      { name: "env/OVEN", value: "unset" },
      { name: "need/mix", value: "1" },
      { name: "need/rest", value: "1" },
      { name: "tool/go", value: "1" },
    ],
    [file("changed", "1"), file("gone", "1"), file("lost", "1"), file("mode", "1"), file("made", "", "missing")],
  );
  const now = createDocument(
    [
      { name: "command", value: "fry" },
      { name: "param/cake", value: "pie" },
      { name: "env/OVEN", value: "=1" },
      { name: "need/knead", value: "1" },
      { name: "need/mix", value: "2" },
      { name: "tool/go", value: "2" },
      { name: "code", value: "1" },
      { name: "salt", value: "1" },
    ],
    [file("changed", "2"), file("lost", "", "missing"), file("mode", "1", "exec"), file("made", "1"), file("new", "1")],
  );

  expect(diffDocuments(before, now)).toEqual([
    { kind: "code-changed" },
    { kind: "code-changed", before: "bake", now: "fry" },
    { kind: "env-set", name: "OVEN" },
    { kind: "need-new", need: "knead" },
    { kind: "need-changed", need: "mix" },
    { kind: "need-gone", need: "rest" },
    { kind: "param-changed", name: "cake", before: "(not given)", now: "pie" },
    { kind: "param-changed", name: "heat", before: "1", now: "(not given)" },
    { kind: "leaf-changed", name: "salt", before: undefined, now: "1" },
    { kind: "tool-changed", name: "go" },
    { kind: "input-changed", path: "changed" },
    { kind: "input-gone", path: "gone" },
    { kind: "input-gone", path: "lost" },
    { kind: "input-new", path: "made" },
    { kind: "input-changed", path: "mode" },
    { kind: "input-new", path: "new" },
  ]);
});

test("resultDigest() is the key when a task leaves nothing, and does not depend on it otherwise", () => {
  const cake: FileFact = { path: "cake", kind: "file", digest: "1" };

  expect(resultDigest("key", [], undefined)).toBe("key");
  expect(resultDigest("a", [cake], undefined)).toBe(resultDigest("b", [cake], undefined));
  expect(resultDigest("a", [], { x: 1, y: 2 })).toBe(resultDigest("b", [], { y: 2, x: 1 }));
  expect(resultDigest("a", [cake], undefined)).not.toBe(resultDigest("a", [{ ...cake, digest: "2" }], undefined));
  expect(resultDigest("a", [], null)).not.toBe(resultDigest("a", [], undefined));
});

test("stableJson() sorts the members of all records, and of lists nothing", () => {
  expect(stableJson({ b: [2, 1], a: { d: 1, c: null } })).toBe('{"a":{"c":null,"d":1},"b":[2,1]}');
});

test("two documents have differences if and only if their keys differ, and each names both values", () => {
  fc.assert(
    fc.property(pair, ([one, other]) => {
      const differences = compareDocuments(one, other);

      expect(differences.length === 0).toBe(keyOf(one) === keyOf(other));
      for (const { before, now } of differences) expect(before).not.toBe(now);
    }),
    { numRuns: 2000 },
  );
});

test("the text of a key can be read back", () => {
  fc.assert(
    fc.property(pair, ([one]) => {
      const read = parseKeyText(keyText(one));

      expect(read === undefined ? "unread" : keyText(read)).toBe(keyText(one));
    }),
  );
  expect([parseKeyText(""), parseKeyText("no key"), parseKeyText('"a" pipe ')]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
