/** Records as servers give them: one field that is not what it should be, and it is no result. */
import { expect, test } from "vitest";
import { parseRecord, renderRecord } from "../../../plugins/remote-cache/record.ts";
import { blobOf, resultOf } from "./rig.ts";

const { result } = resultOf("flour", { "out/bread": "bread" });
const bundled = { ...result, bundle: blobOf("bread") };
const [file] = result.outputs;
const away = { digest: "../../etc/passwd", size: 1 };

test("a record gives the result that it was made of", () => {
  expect(parseRecord(renderRecord(bundled), result.key)).toEqual(bundled);
});

test.each<[what: string, lie: object]>([
  ["of another version", { v: 2 }],
  ["of another key", { key: "0".repeat(64) }],
  ["without a task", { task: undefined }],
  ["by nobody", { by: 1 }],
  ["that took no time", { durationMs: "1" }],
  ["of no time", { madeMs: null }],
  ["without a list of outputs", { outputs: {} }],
  ["with no output in the list", { outputs: [null] }],
  ["with an output without a path", { outputs: [{ ...file, path: 1 }] }],
  ["with a mode that no file has", { outputs: [{ ...file, mode: 0o10000 }] }],
  ["with an output of another kind", { outputs: [{ ...file, kind: "device" }] }],
  ["with a file without bytes", { outputs: [{ ...file, blob: undefined }] }],
  ["with a file of less than nothing", { outputs: [{ ...file, blob: { ...blobOf("bread"), size: -1 } }] }],
  ["with a link to nowhere", { outputs: [{ ...file, kind: "link" }] }],
  ["with an output that lies elsewhere", { outputs: [{ ...file, blob: away }] }],
  ["with a document that lies elsewhere", { document: away }],
  ["with a log that lies elsewhere", { log: away }],
  ["with files that lie elsewhere", { bundle: away }],
])("a record %s is no result", (_, lie) => {
  expect(parseRecord(Buffer.from(JSON.stringify({ ...bundled, ...lie })), result.key)).toBe(undefined);
});
