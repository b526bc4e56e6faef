import fc from "fast-check";
import { expect, test } from "vitest";
import { createSecrets } from "../../core/secrets.ts";
import { codesOf } from "./rig.ts";

const values = [
  "swordfish",
  "p@ss w/rd+&=",
  `qu"ote's\\and`,
  "käse🧀brot",
  "line one\nline two\r\nline three",
  "aaaa",
  "a".repeat(9),
];

/** All ways in which a value may come out of a program. */
function formsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  const shifted = ["", "x", "xy"].flatMap((before) => {
    const whole = Buffer.concat([Buffer.from(before), bytes, Buffer.from("tail")]);
    return [whole.toString("base64"), whole.toString("base64url")];
  });
  return [
    value,
    encodeURIComponent(value),
    encodeURI(value),
    JSON.stringify(value),
    `'${value.replaceAll("'", "'\\''")}'`,
    ...shifted,
  ];
}

/** The text after it went through a mask in these pieces. */
function stream(secrets: readonly string[], pieces: readonly Buffer[]): string {
  const all = createSecrets();
  for (const secret of secrets) all.add(secret);
  const mask = all.createMask();
  return Buffer.concat([...pieces.map((piece) => mask.write(piece)), mask.end()]).toString("utf8");
}

/** All texts cut in two and in three; three only around the first characters, as there are so many. */
function cuts(text: Buffer): readonly (readonly Buffer[])[] {
  const at = (from: number, to?: number): Buffer => text.subarray(from, to);
  const all: Buffer[][] = [];
  for (let a = 0; a <= text.length; a++) {
    all.push([at(0, a), at(a)]);
    for (let b = a; b <= text.length; b++) all.push([at(0, a), at(a, b), at(b)]);
  }
  return all;
}

test.each(values)("%j is hidden in every form, cut in two and three anywhere", (value) => {
  for (const form of formsOf(value)) {
    const text = Buffer.from(`> ${form} <`);
    const whole = stream([value], [text]);
    for (const pieces of cuts(text)) if (stream([value], pieces) !== whole) expect(stream([value], pieces)).toBe(whole);
    expect(whole).not.toContain(value.split(/\r?\n/)[0]);
    expect(whole.startsWith("> ")).toBe(true);
    expect(whole.endsWith(" <")).toBe(true);
    expect(whole).toContain("***");
  }
});

test("of base64 nothing is left that gives away more than the characters at the edges", () => {
  for (const before of ["", "x", "xy"]) {
    const secrets = createSecrets();
    secrets.add("swordfish-and-chips");
    const shown = secrets.hide(Buffer.from(`${before}swordfish-and-chips, please`).toString("base64"));
    const left = Buffer.from(shown.replaceAll("***", ""), "base64").toString("latin1");

    for (let at = 0; at < 16; at++) expect(left).not.toContain("swordfish-and-chips".slice(at, at + 3));
  }
});

/** Base64 as programs print it, from which position on in a longer text, and what is left of it in one line. */
const pem = "swordfish-and-chips ".repeat(6);
const broken: readonly (readonly [before: number, columns: number, lineBreak: string])[] = [
  0, 1, 2, 40, 41, 50,
].flatMap((before) => [
  [before, 76, "\n"] as const,
  [before, 64, "\r\n"] as const,
  [before, 20, "\n    "] as const,
  [before, 64, "\\n"] as const,
]);

test.each(broken)(
  "base64 from position %i on, %i columns wide with %j between, is hidden wherever it is cut",
  (before, columns, between) => {
    const whole = Buffer.from(`${"x".repeat(before)}${pem}, please`).toString("base64");
    const text = Buffer.from(`> ${whole.match(new RegExp(`.{1,${columns}}`, "g"))?.join(between) ?? ""} <`);

    const pieces = [0, 1, 2].flatMap((shift) => {
      const form = Buffer.from("x".repeat(shift) + pem)
        .toString("base64")
        .slice(4, -4);
      return Array.from({ length: form.length - 5 }, (_, from) => form.slice(from, from + 6));
    });
    const leaks = (at: number): boolean => {
      const shown = stream([pem], [text.subarray(0, at), text.subarray(at)]);
      const left = shown.replaceAll(/\s|\\n/g, "");
      return pieces.some((piece) => left.includes(piece)) || !shown.startsWith("> ") || !shown.endsWith(" <");
    };
    expect(Array.from(text.keys()).filter(leaks)).toEqual([]);
  },
);

test("base64 that is broken into lines is hidden when it comes byte by byte, and base64url in a URL", () => {
  const text = Buffer.from(Buffer.from(pem).toString("base64").replaceAll(/.{76}/g, "$&\n"));
  const bytes = [...text].map((byte) => Buffer.from([byte]));
  const url = `?token=${encodeURIComponent(Buffer.from("~~~~~~>>>>>>").toString("base64"))}&`;

  expect(stream([pem], bytes)).toMatch(/^\*\*\*=*$/);
  expect(stream(["~~~~~~>>>>>>"], [Buffer.from(url)])).toBe("?token=***&");
});

test("a line that ends as base64 of a secret begins is not waited for", () => {
  const secrets = createSecrets();
  secrets.add("swordfish"); // c3dvcmRmaXNo
  const mask = secrets.createMask();

  expect(mask.write(Buffer.from("listening at c3d\n")).toString()).toBe("listening at c3d\n");
  expect(mask.write(Buffer.from("vcmRmaXNo!\n")).toString()).toBe("***!\n");
});

test("a detector finds base64 that is broken into lines, cut anywhere", () => {
  const text = Buffer.from(`${"-".repeat(100)}${Buffer.from(pem).toString("base64").replaceAll(/.{76}/g, "$&\n  ")}`);
  const secrets = createSecrets();
  secrets.add(pem);

  const unseen = Array.from(text.keys()).filter((at) => {
    const detect = secrets.createDetector();
    return ![text.subarray(0, at), text.subarray(at)].some((piece) => detect?.(piece) === true);
  });

  expect(unseen).toEqual([]);
});

test("hide() and a mask show the same", () => {
  const piece = fc.constantFrom(
    "swordfish",
    "sword",
    "fishsword",
    "f",
    "fishing",
    "\n",
    " ",
    Buffer.from("swordfish").toString("base64"),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const secrets = createSecrets();
      for (const secret of ["swordfish", "fishing", "fishsword"]) secrets.add(secret);

      expect(
        stream(
          ["swordfish", "fishing", "fishsword"],
          pieces.map((text) => Buffer.from(text)),
        ),
      ).toBe(secrets.hide(pieces.join("")));
    }),
    { numRuns: 1000 },
  );
});

test("secrets that overlap are hidden as one", () => {
  expect(stream(["swordfish", "fishing"], [Buffer.from("swordfishing rod")])).toBe("*** rod");
  expect(stream(["aaaa"], [Buffer.from("aaaaaa b")])).toBe("*** b");
  expect(stream(["abcd", "abcdef"], [Buffer.from("abcde"), Buffer.from("f")])).toBe("***");
  expect(stream(["abcd", "abcdef"], [Buffer.from("abcde"), Buffer.from("g")])).toBe("***eg");
});

test("only what may become a secret is held back", () => {
  const secrets = createSecrets();
  secrets.add("swordfish");
  const mask = secrets.createMask();

  expect(mask.write(Buffer.from("a new sword")).toString()).toBe("a new ");
  expect(mask.write(Buffer.from("\n")).toString()).toBe("sword\n");
  expect(mask.write(Buffer.from("swordfis")).toString()).toBe("");
  expect(mask.end().toString()).toBe("swordfis");
});

test("every line of a secret counts, but not the short ones", () => {
  const secrets = createSecrets();
  secrets.add("first line\n}\nsecond line");

  expect(secrets.hide("{}: second line, first line")).toBe("{}: ***, ***");
});

test("a secret that is named later is hidden from then on, in streams that are open too", () => {
  const secrets = createSecrets();
  const mask = secrets.createMask();
  const before = mask.write(Buffer.from("swordfish ")).toString();
  secrets.add("swordfish");

  expect(before + mask.write(Buffer.from("swordfish\n")).toString()).toBe("swordfish ***\n");
});

test("bytes that are no text come through as they are", () => {
  const bytes = Buffer.from([0, 255, 128, 10, 195, 40]);
  const secrets = createSecrets();
  secrets.add("swordfish");
  const mask = secrets.createMask();

  expect(Buffer.concat([mask.write(bytes), mask.end()])).toEqual(bytes);
});

test("add() refuses what is shorter than four bytes", async () => {
  expect(await codesOf(() => createSecrets().add("abc"))).toEqual(["SECRET_SHORT"]);
  expect(await codesOf(() => createSecrets().add(""))).toEqual(["SECRET_SHORT"]);
  expect(await codesOf(() => createSecrets().add("äö"))).toEqual([]);
});
