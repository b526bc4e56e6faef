/** Finds secrets in texts and in streams of bytes, across chunks. Pure; does not know where the bytes go. */
import { secretShort } from "./errors/run.ts";
import { findWrapped, findWrappedTail, type Span } from "./wrapped.ts";

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
  const forms: Forms = { all: new Set(), wrapped: new Set() };
  const add = (value: string): void => {
    if (Buffer.byteLength(value) < shortest) throw secretShort(shortest);
    for (const part of [value, ...value.split(/\r?\n/)]) {
      const isLong = (form: string): boolean => form.length >= shortest;
      const wrapped = base64Of(part).filter(isLong);
      for (const form of wrapped) forms.wrapped.add(form);
      for (const form of [...textsOf(part).filter(isLong), ...wrapped]) forms.all.add(form);
    }
  };
  return {
    add,
    hide: (text) => (forms.all.size === 0 ? text : fromBytes(replace(toBytes(Buffer.from(text)), forms).shown)),
    createMask: () => createMask(forms),
    createDetector: () => (forms.all.size === 0 ? undefined : createDetector(forms)),
  };
}

/** What is looked for. */
interface Forms {
  readonly all: Set<string>;
  /** Those that programs break into lines: base64. */
  readonly wrapped: Set<string>;
}

/** Keeps as much of each chunk as a form may have begun in. */
function createDetector({ all, wrapped }: Forms): (chunk: Uint8Array) => boolean {
  const wanted = [...all].map((form) => Buffer.from(form, "latin1"));
  const longest = Math.max(...wanted.map(({ length }) => length));
  const room = 2 * longest + contextSize; // Broken into lines they are longer.
  let rest = Buffer.alloc(0);
  return (chunk) => {
    const bytes = Buffer.concat([rest, chunk]);
    rest = Buffer.from(bytes.subarray(Math.max(0, bytes.length - room)));
    return wanted.some((form) => bytes.includes(form)) || findWrapped(toBytes(bytes), wrapped).length > 0;
  };
}

/** Bytes as a string of one character each, so that string search works on them. */
function toBytes(buffer: Buffer): string {
  return buffer.toString("latin1");
}
function fromBytes(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** The ways in which programs print a value besides base64: as it is, for URLs, as JSON, for shells. */
function textsOf(value: string): string[] {
  const quoted = value.replaceAll("'", "'\\''");
  const strict = encodeURIComponent(value).replaceAll(/[!'()*]/g, (mark) => `%${hexOf(mark).toUpperCase()}`);
  const json = JSON.stringify(value).slice(1, -1);
  const texts = [
    value,
    encodeURIComponent(value),
    encodeURI(value),
    strict, // curl, jq.
    strict.replaceAll("%2F", "/"), // Python.
    strict.replaceAll("%20", "+"),
    new URLSearchParams([["", value]]).toString().slice(1), // Forms.
    json,
    json.replaceAll(/[<>&]/g, escapeJson), // Go.
    json.replaceAll(/[\u0080-\uffff]/g, escapeJson), // Python.
    quoted,
    value.replaceAll("'", "'\"'\"'"),
    ...base64Of(value).map(encodeURIComponent),
    Buffer.from(value).toString("hex"),
    Buffer.from(value).toString("hex").toUpperCase(),
  ];
  return texts.map((text) => toBytes(Buffer.from(text)));
}

function hexOf(mark: string): string {
  return mark.charCodeAt(0).toString(16);
}
function escapeJson(mark: string): string {
  return `\\u${hexOf(mark).padStart(4, "0")}`;
}

/** Base64 and base64url, in three alignments. */
function base64Of(value: string): string[] {
  const bytes = Buffer.from(value);
  return [0, 1, 2].flatMap((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString("base64");
    const first = shift === 0 ? 0 : shift + 1; // Characters that also hold bits of what stands before.
    const last = ((bytes.length + shift) * 8) / 6;
    const inner = text.slice(first, Math.floor(last));
    return [inner, inner.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

/** What is replaced, and what waits. */
interface Replaced {
  readonly shown: string;
  readonly held: string;
}

/** Replaces what is decided; `held` starts where more bytes could complete a form. `before` has been shown already. */
function replace(bytes: string, forms: Forms, { isEnd = true, before = "" } = {}): Replaced {
  const hits = findHits(bytes, forms, before);
  let holdAt = isEnd ? bytes.length : findUndecided(bytes, forms, before);
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
function findHits(bytes: string, { all, wrapped }: Forms, before: string): readonly Span[] {
  const found: Span[] = [];
  for (const form of all) {
    for (let start = bytes.indexOf(form); start !== -1; start = bytes.indexOf(form, start + 1))
      found.push({ start, end: start + form.length });
  }
  for (const span of findWrapped(before + bytes, wrapped)) {
    const [start, end] = [Math.max(0, span.start - before.length), span.end - before.length];
    if (end > 0) found.push({ start, end });
  }
  found.sort((a, b) => a.start - b.start || b.end - a.end);
  const joined: Span[] = [];
  for (const hit of found) {
    const last = joined.at(-1);
    if (last !== undefined && hit.start < last.end)
      joined[joined.length - 1] = { start: last.start, end: Math.max(last.end, hit.end) };
    else joined.push(hit);
  }
  return joined;
}

/** Where the longest tail begins that is a proper prefix of some form. */
function findUndecided(bytes: string, { all, wrapped }: Forms, before: string): number {
  let longest = 0;
  for (const form of all) {
    for (let length = Math.min(form.length - 1, bytes.length); length > longest; length--) {
      if (bytes.endsWith(form.slice(0, length))) longest = length;
    }
  }
  const tail = findWrappedTail(before + bytes, wrapped);
  const at = tail === undefined ? bytes.length : Math.max(0, tail - before.length);
  return Math.min(bytes.length - longest, at);
}

/** Bytes of what has been shown that are remembered: a form can have begun in them, before a line break. */
const contextSize = 64;

function createMask(forms: Forms): Mask {
  let [held, before] = ["", ""];
  return {
    write(chunk) {
      if (forms.all.size === 0 && held === "") return chunk;
      const bytes = held + toBytes(chunk);
      const result = replace(bytes, forms, { isEnd: false, before });
      held = result.held;
      before = (before + bytes.slice(0, bytes.length - held.length)).slice(-contextSize);
      return Buffer.from(result.shown, "latin1");
    },
    end() {
      const { shown } = replace(held, forms, { before });
      held = "";
      return Buffer.from(shown, "latin1");
    },
  };
}
