import { expect, test } from "vitest";
import { project, withTasks } from "../support/project.ts";

test("PLATFORM_UNKNOWN: a misspelt architecture names the closest one", async () => {
  const p = await project({
    "builderfile.ts": withTasks({ bake: `task({ matrix: { arch: platforms("s390x", "amd46") }, run: "true" })` }),
  });

  const result = await p.bt("bake");

  expect(result).toMatchObject({ exitCode: 2, stdout: "" });
  expect(result.stderr).toMatchInlineSnapshot(`
    "bt: There is no architecture "amd46"
      at   builderfile.ts:4:34
           "bake": task({ matrix: { arch: platforms("s390x", "amd46") }, run: "true" }),
                                          ^
      fix  Use "amd64"; there are amd64, arm64, arm/v7, arm/v6, ppc64le, riscv64, s390x, 386.
    "
  `);
});
