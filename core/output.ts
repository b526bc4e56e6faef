/** Turns what a process prints into masked, whole lines, and keeps the last ones. Does not know where they go. */
import { StringDecoder } from "node:string_decoder";
import type { Mask, Secrets } from "./secrets.ts";

type Stream = "stdout" | "stderr";

export interface Output {
  readonly write: (stream: Stream, chunk: Buffer) => void;
  /** Passes on what is left without a newline. */
  readonly end: () => void;
  /** The last lines of both streams, oldest first. */
  readonly tail: () => readonly string[];
}

const tailLines = 20;

/** One process's output. `onLines` gets whole lines, without the last newline. */
export function createOutput(secrets: Secrets, onLines: (stream: Stream, text: string) => void): Output {
  const last: string[] = [];
  const pass = (stream: Stream, text: string): void => {
    last.push(...text.split("\n").slice(-tailLines));
    last.splice(0, last.length - tailLines);
    onLines(stream, text);
  };
  const streams = {
    stdout: createLines(secrets, (text) => pass("stdout", text)),
    stderr: createLines(secrets, (text) => pass("stderr", text)),
  };
  return {
    write: (stream, chunk) => streams[stream].write(chunk),
    end() {
      streams.stdout.end();
      streams.stderr.end();
    },
    tail: () => last,
  };
}

interface Lines {
  readonly write: (chunk: Buffer) => void;
  readonly end: () => void;
}

function createLines(secrets: Secrets, pass: (text: string) => void): Lines {
  let mask: Mask | undefined;
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const take = (text: string): void => {
    const whole = (rest + text).replaceAll("\r\n", "\n");
    const at = whole.lastIndexOf("\n");
    rest = whole.slice(at + 1);
    if (at !== -1) pass(whole.slice(0, at));
  };
  return {
    write(chunk) {
      mask ??= secrets.createMask();
      take(decoder.write(mask.write(chunk)));
    },
    end() {
      if (mask !== undefined) take(decoder.write(mask.end()));
      take(decoder.end());
      if (rest !== "") pass(rest);
      rest = "";
    },
  };
}
