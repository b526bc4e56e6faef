/** Writes each event as one line of JSON, up to `run-finished`; docs/events.md describes them. Does not know what they mean. */
import type { Event, Reporter } from "../event.ts";

export interface JsonOptions {
  readonly write: (text: string) => void;
}

export function createJsonReporter(options: JsonOptions): Reporter {
  let isFinished = false;
  return {
    event(event: Event) {
      if (isFinished) return;
      isFinished = event.kind === "run-finished";
      options.write(`${JSON.stringify(event)}\n`);
    },
  };
}
