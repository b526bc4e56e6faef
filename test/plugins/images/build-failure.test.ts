/** What is said when a command of a Dockerfile fails: the instruction and its line, whichever engine ran it. */
import { expect, test } from "vitest";
import { BtError, isBtError } from "../../../core/index.ts";
import { tellFailure } from "../../../plugins/images/build-failure.ts";
import { parseDockerfile } from "../../../plugins/images/dockerfile.ts";
import type { EngineName } from "../../../plugins/images/engine-name.ts";
import type { PreparedBuild } from "../../../plugins/images/engine-request.ts";
import { planBuild } from "../../../plugins/images/plan.ts";
import { project } from "../../support/project.ts";
import { testWith } from "../../support/tool.ts";
import { render } from "./rig.ts";

const dockerfile = `FROM scratch AS tools
RUN mix
FROM scratch
RUN --mount=type=cache,target=/c make \\
  # all of it
  bread && \\
  mix
RUN ["/bin/bake", "-t", "5"]
RUN echo "\\"rye\\""
COPY --from=tools /a /b
RUN echo two
RUN echo two
`;

async function told(engine: EngineName, ...said: readonly string[]): Promise<string> {
  const plan = planBuild(parseDockerfile(dockerfile, "Dockerfile"), {
    args: {},
    platform: "s390x",
    buildPlatform: "amd64",
  });
  const build = { plan, request: { platform: "s390x", dockerfile: "/x/Dockerfile" } } as unknown as PreparedBuild; // What is read of it.
  const failed = new BtError("COMMAND_FAILED", "`a long command` exited with 1", { fix: "Look.", detail: said });
  const error: unknown = await tellFailure(engine, build, Promise.reject(failed)).catch((caught: unknown) => caught);
  if (!isBtError(error)) throw error;
  expect([error.detail, error.exitCode]).toEqual([said, 1]);
  return render(error).split("\n").slice(1, 3).join(" at ");
}

test.for<[EngineName, string, string]>([
  ["buildah", 'Error: building at STEP "RUN mix": exit status 1', "`RUN mix` … at Dockerfile:2:1"],
  [
    "podman",
    'Error: building at STEP "RUN make   bread &&   mix": while running runtime: exit status 2',
    "`RUN --mount=type=cache,target=/c make   bread &&   mix` … at Dockerfile:4:1",
  ],
  [
    "buildah",
    'Error: error building at STEP "RUN /bin/bake -t 5": exit status 1',
    '`RUN ["/bin/bake", "-t", "5"]` … at Dockerfile:8:1',
  ],
  [
    "docker",
    'failed to solve: process "/bin/sh -c echo \\"\\\\\\"rye\\\\\\"\\"" did not complete successfully: exit code: 1',
    '`RUN echo "\\"rye\\""` … at Dockerfile:9:1',
  ],
  ["docker", "Step 2/9 : RUN mix", "`RUN mix` … at Dockerfile:2:1"],
  ["docker", "Step 7/9 : RUN echo two", 'The build of "Dockerfile" … at Dockerfile'],
  ["docker", "no space left on device", 'The build of "Dockerfile" … at Dockerfile'],
])("IMAGES_BUILD_FAILED: %s says %s", async ([engine, said, expected]) => {
  expect(await told(engine, "Step 1/9 : FROM scratch", said, "and more")).toBe(
    expected.replace("…", `failed for linux/s390x, built by ${engine}`),
  );
});

for (const engine of ["buildah", "podman"] as const)
  testWith(engine)(
    `${engine}: the failed command is shown in the Dockerfile, and bt's own call of the engine is not`,
    async () => {
      const p = await project({
        "builderfile.ts": `import { defineBuilder, hostPlatform } from "builderfile";
import { image } from "builderfile/plugins/images";
export default defineBuilder({ tasks: { loaf: image({ platforms: [hostPlatform().arch], engine: "${engine}" }) } });
`,
        Dockerfile: 'FROM scratch\nCOPY bread /bread\nRUN ["/bread", "now"]\n',
        bread: "rye",
      });

      const result = await p.bt("loaf");

      expect(result.exitCode).toBe(1);
      expect(result.stdout).toContain(`built by ${engine}\n`);
      expect(result.stdout).toMatch(
        /^bt: `RUN \["\/bread", "now"\]` failed for linux\/.*\n  task loaf:.*\n  at   Dockerfile:3:1\n/m,
      );
    },
  );
