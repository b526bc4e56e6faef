/** The base that a shell for another architecture starts in. */
import { expect, test } from "vitest";
import { findBase } from "../../../../plugins/images/family/base-image.ts";

test.each([
  ["the last FROM", "FROM a.io/one:1\nFROM a.io/two:2\nRUN x\n", "a.io/two:2"],
  ["an argument's default", "ARG BASE=a.io/one\nARG TAG='1'\nFROM ${BASE}:$TAG\n", "a.io/one:1"],
  ["an argument of the table", "ARG RELEASE=8\nFROM a.io/ubi:${RELEASE}\n", "a.io/ubi:9"],
  ["a default in place", "ARG NONE\nFROM a.io/one:${NONE:-7}\n", "a.io/one:7"],
  ["an earlier stage", "FROM a.io/one:1 AS tools\nFROM scratch AS empty\nFROM Tools\n", "a.io/one:1"],
  ["a platform flag", "FROM --platform=$BUILDPLATFORM a.io/one:1 AS x\n", "a.io/one:1"],
  ["the target architecture", "FROM a.io/$TARGETARCH/one:1\n", "a.io/s390x/one:1"],
  ["a continued line", "FROM \\\n  a.io/one:1\n", "a.io/one:1"],
  ["scratch", "FROM scratch\n", undefined],
])("%s", (_, text, expected) => {
  expect(findBase(text, { RELEASE: "9" }, "s390x")).toBe(expected);
});
