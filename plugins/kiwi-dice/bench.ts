/** What the work of this plugin needs of a task's context. Knows only its type. */
import type { Context } from "../../core/index.ts";

export type Bench = Pick<
  Context,
  "$" | "exec" | "log" | "signal" | "defer" | "hide" | "tempDir" | "env" | "root" | "name" | "params" | "cell"
>;
