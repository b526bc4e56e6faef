/** Finds secrets in texts and in streams of bytes, across chunks. Pure; does not know where the bytes go. */
import { secretShort } from "./errors/run.ts";

/** The secrets of one run, and what hides them. */
export interface Secrets {
  /** From now on `value` and its encoded forms are hidden everywhere. @throws BtError SECRET_SHORT */
  readonly add: (value: string) => void;
  /** A whole text with every secret replaced by `***`. */
  readonly hide: (text: string) => string;
  /** For one stream: gets chunks, returns what may be shown of them; `end` returns the rest. */
  readonly createMask: () => Mask;
  /** For one stream: gets chunks, tells whether a secret has been in them. Undefined: there are no secrets. */
  readonly createDetector: () => ((chunk: Uint8Array) => boolean) | undefined;
}
export interface Mask {
  readonly write: (chunk: Buffer) => Buffer;
  readonly end: () => Buffer;
}

const stars = "***";
/** Bytes; shorter texts would hide half of every output. */
const shortest = 4;

export function createSecrets(): Secrets {
  const forms = new Set<string>();
  const add = (value: string): void => {
    if (Buffer.byteLength(value) < shortest) throw secretShort(shortest);
    for (const form of [value, ...value.split(/\r?\n/)].flatMap(formsOf)) if (form.length >= shortest) forms.add(form);
  };
  return {
    add,
    hide: (text) => (forms.size === 0 ? text : fromBytes(replace(toBytes(Buffer.from(text)), forms).shown)),
    createMask: () => createMask(forms),
    createDetector: () => (forms.size === 0 ? undefined : createDetector([...forms])),
  };
}

/** Keeps as much of each chunk as a form may have begun in. */
function createDetector(forms: readonly string[]): (chunk: Uint8Array) => boolean {
  const wanted = forms.map((form) => Buffer.from(form, "latin1"));
  const longest = Math.max(...wanted.map(({ length }) => length));
  let rest = Buffer.alloc(0);
  return (chunk) => {
    const bytes = Buffer.concat([rest, chunk]);
    rest = Buffer.from(bytes.subarray(Math.max(0, bytes.length - longest + 1)));
    return wanted.some((form) => bytes.includes(form));
  };
}

/** Bytes as a string of one character each, so that string search works on them. */
function toBytes(buffer: Buffer): string {
  return buffer.toString("latin1");
}
function fromBytes(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** The ways in which programs print a value: as it is, base64 in three alignments, base64url, URL, JSON, shell. */
function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  const base64 = [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
    const first = shift === 0 ? 0 : shift + 1; // Characters that also hold bits of what stands before.
    const last = ((bytes.length + shift) * 8) / 6;
    const inner = text.slice(first, Math.floor(last));
    return [inner, inner.replaceAll("+", "-").replaceAll("/", "_")];
  });
  const quoted = value.replaceAll("'", "'\\''");
  const texts = [
    value,
    encodeURIComponent(value),
    encodeURI(value),
    JSON.stringify(value).slice(1, -1),
    quoted,
    value.replaceAll("'", "'\"'\"'"),
  ];
  return [...texts.map((text) => toBytes(Buffer.from(text))), ...base64];
}

/** Replaces what is decided; `held` starts where more bytes could complete a form. */
function replace(bytes: string, forms: ReadonlySet<string>, isEnd = true): { shown: string; held: string } {
  const hits = findHits(bytes, forms);
  let holdAt = isEnd ? bytes.length : bytes.length - undecidedLength(bytes, forms);
  for (const { start, end } of hits.toReversed()) if (end > holdAt) holdAt = Math.min(holdAt, start);
  let shown = "";
  let at = 0;
  for (const { start, end } of hits) {
    if (start >= holdAt) break;
    shown += bytes.slice(at, start) + stars;
    at = end;
  }
  return { shown: shown + bytes.slice(at, Math.max(at, holdAt)), held: bytes.slice(Math.max(at, holdAt)) };
}

/** Where forms stand, overlapping ones joined, in order. */
function findHits(bytes: string, forms: ReadonlySet<string>): { start: number; end: number }[] {
  const all: { start: number; end: number }[] = [];
  for (const form of forms) {
    for (let start = bytes.indexOf(form); start !== -1; start = bytes.indexOf(form, start + 1))
      all.push({ start, end: start + form.length });
  }
  all.sort((a, b) => a.start - b.start || b.end - a.end);
  const joined: { start: number; end: number }[] = [];
  for (const hit of all) {
    const last = joined.at(-1);
    if (last !== undefined && hit.start < last.end) last.end = Math.max(last.end, hit.end);
    else joined.push({ ...hit });
  }
  return joined;
}

/** Length of the longest tail that is a proper prefix of some form. */
function undecidedLength(bytes: string, forms: ReadonlySet<string>): number {
  let longest = 0;
  for (const form of forms) {
    for (let length = Math.min(form.length - 1, bytes.length); length > longest; length--) {
      if (bytes.endsWith(form.slice(0, length))) longest = length;
    }
  }
  return longest;
}

function createMask(forms: ReadonlySet<string>): Mask {
  let held = "";
  return {
    write(chunk) {
      if (forms.size === 0 && held === "") return chunk;
      const result = replace(held + toBytes(chunk), forms, false);
      held = result.held;
      return Buffer.from(result.shown, "latin1");
    },
    end() {
      const { shown } = replace(held, forms);
      held = "";
      return Buffer.from(shown, "latin1");
    },
  };
}
