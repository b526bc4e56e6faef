/** What findInputs() says a build reads: for keys, and for the edges of the task graph. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { hostPlatform } from "../../../core/index.ts";
import { findInputs } from "../../../plugins/images/inputs.ts";
import { writeContext } from "./rig.ts";

test("findInputs() names the images, files and arguments of the needed stages", async () => {
  const dir = await writeContext({
    Dockerfile: [
      "ARG REGISTRY=quay.io/shop",
      "ARG TAG",
      "FROM ${REGISTRY}/base:${TAG:-1} AS base",
      "ARG FLOUR=rye",
      "COPY $FLOUR /flour",
      "FROM unneeded/image AS unneeded",
      "COPY secret /",
      "FROM base",
      "ARG TARGETARCH",
      "COPY --from=quay.io/shop/tools:2 /mix /",
      "COPY --from=base /x /",
      "COPY bin/mix-$TARGETARCH shop not-yet-built /",
      "ADD https://example.com/x /",
      "RUN --mount=type=bind,from=quay.io/shop/cache:3,target=/c --mount=type=cache,target=/d true",
    ].join("\n"),
    rye: "1",
    secret: "2",
    "bin/mix-arm64": "3",
    "bin/mix-amd64": "4",
    "shop/a": "5",
    "shop/link": { link: "/anywhere" },
    "shop/x.log": "6",
    ".dockerignore": "**/*.log",
  });

  const inputs = await findInputs(join(dir, "Dockerfile"), dir, { platform: "arm64", args: { TAG: "7" } });

  expect(inputs).toEqual({
    bases: ["quay.io/shop/base:7", "quay.io/shop/cache:3", "quay.io/shop/tools:2"].map((reference) => ({
      reference,
      platform: "arm64",
      at: expect.objectContaining({ where: join(dir, "Dockerfile"), line: expect.any(Number) }),
    })),
    files: ["bin/mix-arm64", "rye", "shop/a", "shop/link"],
    args: ["FLOUR", "REGISTRY", "TAG", "TARGETARCH"],
    runs: true,
  });
});

test("findInputs() counts the whole context for a bind mount of it, and nothing of stages", async () => {
  const dir = await writeContext({
    Dockerfile: "FROM scratch\nFROM debian AS debian\nRUN --mount=target=/src make\n",
    "a/b": "1",
  });

  const inputs = await findInputs(join(dir, "Dockerfile"), dir);

  expect(inputs).toEqual({
    bases: [{ reference: "debian", platform: hostPlatform().arch, at: expect.objectContaining({ line: 2 }) }],
    files: ["Dockerfile", "a/b"],
    args: [],
    runs: true,
  });
});

test("findInputs() looks only at the stages of a target", async () => {
  const dir = await writeContext({ Dockerfile: "FROM scratch AS a\nCOPY one /\nFROM other\nRUN make\n", one: "1" });

  const inputs = await findInputs(join(dir, "Dockerfile"), dir, { target: "a" });

  expect(inputs).toEqual({ bases: [], files: ["one"], args: [], runs: false });
});
