/** What the fields of a task may be, for builderfiles that no compiler has looked at. Does not know what they mean. */
import { taskFieldUnknown, taskShape } from "./errors.ts";

type Shape = readonly ("string" | "boolean" | "number" | "function" | "list" | "record")[];

const shapes: Readonly<Record<string, Shape>> = {
  name: ["string"],
  description: ["string"],
  aliases: ["list"],
  tags: ["list"],
  private: ["boolean"],
  rest: ["boolean"],
  params: ["record"],
  needs: ["list", "record"],
  matrix: ["record"],
  inputs: ["list", "function"],
  outputs: ["list", "function"],
  external: ["boolean"],
  clean: ["boolean", "string"],
  env: ["list"],
  tools: ["list"],
  cwd: ["string"],
  run: ["string", "list", "function"],
  always: ["boolean"],
  when: ["function"],
  status: ["function"],
  finally: ["list"],
  confirm: ["string"],
  retries: ["number", "record"],
  timeoutMs: ["number"],
  pool: ["string", "list"],
  priority: ["number"],
  allowFailure: ["boolean"],
  salt: ["string"],
  portable: ["boolean"],
  dryRun: ["string"],
};
const shapeOf = new Map<string, Shape>(Object.entries(shapes));

/** @throws BtError TASK_SHAPE for a field that does not exist or has the wrong kind of value */
export function checkShape(spec: object): void {
  for (const [field, value] of Object.entries(spec)) {
    const shape = shapeOf.get(field);
    if (shape === undefined) throw taskFieldUnknown(field, [...shapeOf.keys()]);
    const kind = value === null ? "null" : Array.isArray(value) ? "list" : typeof value === "object" ? "record" : typeof value;
    if (value !== undefined && !shape.some((allowed) => allowed === kind)) throw taskShape(field, `a ${kind}`, shape.map((allowed) => `a ${allowed}`).join(" or "));
  }
}
