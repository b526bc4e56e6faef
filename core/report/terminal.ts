/** Takes the terminal for a window that changes and lines that stay. Only importer of `listr2`; does not know what the lines say. */
import { emptyFrame, renderFrame, type ScreenSize } from "./screen.ts";

/** Both are taken over until `close`: what others write to them appears above the window. */
export interface TerminalOptions {
  /** Holds the window. */
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

type Render = (size: ScreenSize, spinner: string) => readonly string[];

/** A terminal with a window in it. */
export interface Terminal {
  /** Whole lines that stay above the window. */
  readonly print: (text: string) => void;
  readonly draw: (render: Render) => void;
  /** Removes the window and gives the terminal back. */
  readonly close: () => void;
}

/** So long after the last change of its size a terminal is no longer dragged. tmux tells of one every 250 ms. */
const settleMs = 500;
/** The window meanwhile: one line that is not broken by a width yet to be heard of. How many rows a broken one takes is a guess. */
const dragged: ScreenSize = { columns: 40, rows: 2 };

/**
 * listr2 takes the streams, hides the cursor and turns the spinner. Its default renderer is not used: it needs 11 ms for a frame
 * of 24 rows and 88 ms for one of 50, wraps to the width at the start, and cannot print above itself.
 */
export async function openTerminal({ stdout, stderr, now }: TerminalOptions): Promise<Terminal> {
  const { ProcessOutput, Spinner } = await import("listr2");
  const output = new ProcessOutput(stdout, stderr, { leaveEmptyLine: false });
  const spinner = new Spinner();
  let frame = emptyFrame;
  let above = "";
  let partial = "";
  let resizedMs = -Infinity;
  let render: Render = () => [];

  /** What others wrote to the streams, up to the last whole line. */
  function drain(): void {
    const entries = [output.stream.stdout, output.stream.stderr].flatMap((stream) => {
      const found = stream.release();
      stream.hijack();
      return found;
    });
    const text =
      partial +
      entries
        .sort((a, b) => a.time - b.time)
        .map(({ entry }) => entry)
        .join("");
    const end = text.lastIndexOf("\n") + 1;
    above += text.slice(0, end);
    partial = text.slice(end);
  }

  function show(): void {
    drain();
    const size = sizeOf(stdout);
    const isDragged = now() - resizedMs < settleMs;
    const room = isDragged ? { columns: Math.min(size.columns, dragged.columns), rows: dragged.rows } : size;
    swap(render(room, spinner.fetch()), size);
  }

  function resized(): void {
    resizedMs = now();
    show();
  }

  function swap(lines: readonly string[], size: ScreenSize): void {
    const next = { lines, columns: size.columns };
    const bytes = renderFrame(frame, next, { ...size, above });
    frame = next;
    above = "";
    if (bytes !== "") output.toStdout(bytes, false);
  }

  function close(): void {
    process.removeListener("exit", close);
    stdout.removeListener("resize", resized);
    drain();
    if (partial !== "") above += `${partial}\n`;
    swap([], sizeOf(stdout));
    output.release();
  }

  output.hijack();
  // Whoever ends the process early must not leave a terminal without a cursor.
  process.once("exit", close);
  stdout.on("resize", resized);
  return {
    print(text) {
      drain(); // In the order in which both were written.
      above += text;
    },
    draw(next) {
      render = next;
      spinner.spin();
      show();
    },
    close,
  };
}

function sizeOf(stream: NodeJS.WriteStream): ScreenSize {
  return { columns: stream.columns ?? 80, rows: stream.rows ?? 24 };
}
