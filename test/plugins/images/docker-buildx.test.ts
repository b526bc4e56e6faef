/** What a builder of buildx is told, by a made-up program: the real one is not in Debian 12. Slow tests use buildkitd and docker-buildx where they are in PATH. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { hostPlatform } from "../../../core/index.ts";
import { buildWithEngine } from "../../../plugins/images/engine.ts";
import { createLayout } from "../../../plugins/multiarch-manifest/index.ts";
import { until } from "../../support/processes.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { run, slow, slowTestWhere } from "../../support/tool.ts";
import { createDesk } from "./desk.ts";
import { build, nameImage, seeImage, writeContext } from "./rig.ts";

/** Says which driver it has; a build copies the layout `image` and keeps its Dockerfile and the base it was given, whose path ends where buildx ends it. */
const program = `#!/bin/sh
[ "$2" = inspect ] && { echo "Name:   default"; echo "Driver: $DRIVER"; exit 0; }
[ "$2" = build ] || exit 1
for word; do
  case $word in
    *,dest=*) dest=\${word#*,dest=}; cp -r "$STUB/image" "\${dest%%,*}" ;;
    bt-*=oci-layout://*) base=\${word#*oci-layout://}; base=\${base%%@*}; cp "\${base%%:*}/index.json" "$STUB/base.json" ;;
    */Dockerfile) cp "$word" "$STUB/Dockerfile" ;;
  esac
done
`;

test("a builder of its own gets images as layouts by digest, and the result is taken from a layout", async () => {
  const stub = await temporaryFolder();
  await writeFile(join(stub, "docker"), program);
  await chmod(join(stub, "docker"), 0o755);
  const layout = await createLayout(await temporaryFolder());
  const base = (await build({ Dockerfile: "FROM scratch\nCOPY bread /\n", bread: "rye" }, { layout })).image;
  const result = await build(
    { Dockerfile: "FROM scratch\nCOPY cake /\n", cake: "sweet" },
    { layout: await createLayout(join(stub, "image")) },
  );
  await nameImage(result.layout, result.image, "x");
  const dir = await writeContext({
    Dockerfile: 'FROM somewhere/base:1 AS a\nCOPY <<X /x\nhi\nX\nRUN ["/x"]\nFROM a\nLABEL a=b\n',
    secret: "x",
  });
  const desk = await createDesk({ DRIVER: "docker-container", STUB: stub }, dir);

  const image = await buildWithEngine(
    { name: "docker", program: join(stub, "docker"), capabilities: ["run", "buildx"] },
    {
      dockerfile: join(dir, "Dockerfile"),
      context: dir,
      platform: "amd64",
      timestamp: 7,
      into: layout,
      resolveBase: async () => ({ mediaType: base.mediaType, digest: base.digest, size: base.size }),
    },
    { desk },
  );

  expect((await seeImage(layout, image.digest)).files).toEqual(['cake file 644 0:0 "sweet"']);
  const id = base.id.slice("sha256:".length);
  const [inspect, words = ""] = desk.commands;
  expect(inspect).toMatch(/docker buildx inspect$/);
  expect(words).toMatch(
    / buildx build --platform linux\/amd64 --no-cache --provenance=false --output type=oci,tar=false,dest=/,
  );
  expect(words).toContain(`--build-context bt-${id}=oci-layout://bt-${id}@sha256:`);
  expect(words).toContain("--build-arg SOURCE_DATE_EPOCH=7");
  expect(words).not.toContain("somewhere/base");
  const dockerfile = await readFile(join(stub, "Dockerfile"), "utf8");
  expect(dockerfile).toContain(`FROM bt-${id} AS a\nCOPY --from=bt-`);
  expect(JSON.parse(await readFile(join(stub, "base.json"), "utf8"))).toMatchObject({
    manifests: [{ size: expect.any(Number) as number }],
  });
});

/** A daemon of BuildKit for one test, as the current builder of the user whose home this is. */
async function startBuilder(home: string): Promise<void> {
  const address = `unix://${join(home, "buildkitd.sock")}`;
  const worker = ["--oci-worker-snapshotter", "native", "--containerd-worker=false"];
  const child = spawn("buildkitd", ["--root", join(home, "buildkit"), "--addr", address, ...worker], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  onTestFinished(async () => {
    if (child.exitCode === null && child.kill("SIGTERM")) await once(child, "exit");
  });
  await until(() => {
    if (child.exitCode !== null) throw new Error(log);
    return log.includes("running server on");
  });
  await mkdir(join(home, ".docker/cli-plugins"), { recursive: true });
  await symlink((await run("which", ["docker-buildx"])).trim(), join(home, ".docker/cli-plugins/docker-buildx"));
  await run("docker", ["buildx", "create", "--use", "--name", "oven", "--driver", "remote", address], { HOME: home });
}

describe(slow, () => {
  slowTestWhere("buildkitd")(
    "a real builder makes what bt's own engine makes, on the same base, twice the same",
    async () => {
      const home = await temporaryFolder();
      await startBuilder(home);
      const layout = await createLayout(await temporaryFolder());
      const base = (
        await build({ Dockerfile: "FROM scratch\nCOPY bread /shop/\nENV OVEN=hot\n", bread: "rye" }, { layout })
      ).image;
      const dir = await writeContext({
        Dockerfile:
          "FROM nowhere.invalid/base:1 AS one\nCOPY <<A /note\nhi\nA\nFROM nowhere.invalid/base:1\nARG SALT\nARG TARGETARCH\nLABEL salt=$SALT arch=$TARGETARCH\nCOPY --from=one /note /note\nCOPY --from=nowhere.invalid/base:1 /shop/bread /again\nCOPY --chown=3:4 cake /shop/cake\n",
        ".dockerignore": "secret\n",
        cake: "sweet",
        secret: "x",
      });
      const request = {
        dockerfile: join(dir, "Dockerfile"),
        context: dir,
        cwd: dir,
        platform: "amd64" as const,
        args: { SALT: "a, b@c" },
        into: layout,
        resolveBase: async () => ({ mediaType: base.mediaType, digest: base.digest, size: base.size }),
      };
      const desk = await createDesk({ HOME: home });
      const docker = { name: "docker", program: "docker", capabilities: ["run", "buildx"] } as const;

      const theirs = await buildWithEngine(docker, request, { desk });
      const again = await buildWithEngine(docker, request, { desk });
      const ours = await buildWithEngine({ name: "embedded", program: "" }, request, { desk });

      const [seen, expected] = [await seeImage(layout, theirs.digest), await seeImage(layout, ours.digest)];
      expect(seen.files).toEqual(expected.files);
      expect(seen.config["Labels"]).toEqual(expected.config["Labels"]);
      expect(seen.layers[0]).toEqual(expected.layers[0]);
      expect(again).toEqual(theirs);
      expect(seen.document["created"]).toBe("1970-01-01T00:00:00Z");
    },
  );

  slowTestWhere("buildkitd")(
    "a real builder runs commands, twice with the same result, and names a failed one as bt reads it",
    async () => {
      const home = await temporaryFolder();
      await startBuilder(home);
      const into = await createLayout(await temporaryFolder());
      const command = (script: string): string => `RUN ["/bin/busybox", "sh", "-c", "${script}"]\n`;
      const dir = await writeContext({ Dockerfile: "" });
      await copyFile("/bin/busybox", join(dir, "busybox"));
      const desk = await createDesk({ HOME: home });
      const bake = async (script: string): Promise<string> => {
        await writeFile(join(dir, "Dockerfile"), `FROM scratch\nCOPY --chmod=755 busybox /bin/\n${command(script)}`);
        const resolveBase = (): never => {
          throw new Error("there is no base");
        };
        const request = { dockerfile: join(dir, "Dockerfile"), context: dir, cwd: dir, into, resolveBase };
        const docker = { name: "docker", program: "docker", capabilities: ["run", "buildx"] } as const;
        return (await buildWithEngine(docker, { ...request, platform: hostPlatform().arch }, { desk })).digest;
      };

      const digests = [await bake("echo bread > /made"), await bake("echo bread > /made")];
      const failed = await bake("exit 3").catch((error: unknown) => error);

      expect(digests[1]).toBe(digests[0]);
      expect((await seeImage(into, digests[0]!)).files).toContain('made file 644 0:0 "bread\\n"');
      expect(String(failed)).toMatch(/ process "\/bin\/busybox sh -c exit 3" did not complete/);
    },
  );
});
