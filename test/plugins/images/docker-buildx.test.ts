/** What a builder of buildx is told. The program is made up, after buildx 0.23: it and the image of its builder are not in Debian 12. */
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { buildWithEngine } from "../../../plugins/images/engine.ts";
import { createLayout } from "../../../plugins/multiarch-manifest/index.ts";
import { temporaryFolder } from "../../support/temporary.ts";
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
