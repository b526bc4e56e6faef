/** What a command line is answered with: the process around it and the project it is about. */
import type { Lasting } from "../lasting.ts";
import type { Project } from "../load.ts";
import type { MakeFacts } from "../makeflags.ts";
import type { Paint } from "../paint.ts";
import type { AskParam } from "../params.ts";

/** What the process gives. */
export interface World {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly build: string;
  readonly version: string;
  readonly ownModule: (specifier: string) => Promise<object> | undefined;
  /** What a make above was asked for. Absent: there is none. */
  readonly make?: MakeFacts;
}

/** What is at hand when a question is answered. */
export interface Desk {
  readonly project: Project;
  readonly world: World;
  readonly paint: Paint;
  readonly mayWrite: boolean;
  /** Asks for values of params that are missing. Absent: nobody does. */
  readonly ask?: AskParam;
  /** Services that stay when a run has ended. Absent: none does. */
  readonly lasting?: Lasting;
}
