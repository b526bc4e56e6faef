/** Every message about the files and images of a build, whole: code, problem, place and fix. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pack } from "tar-stream";
import { expect, test } from "vitest";
import { createLayout, mediaTypes, writeBlob } from "../../../plugins/multiarch-manifest/index.ts";
import { temporaryFolder } from "../../support/temporary.ts";
import { testMistakes } from "./mistake.ts";
import { failure, render, writeContext, type Options } from "./rig.ts";

testMistakes([
  {
    title: "a source that does not exist gets the nearest file",
    lines: "COPY shop/braed /",
    files: { "shop/bread": "rye" },
    message: `IMAGES_SOURCE_MISSING
There is no "shop/braed" in the context
Dockerfile:2:1
Use "shop/bread", or create it.`,
  },
  {
    title: "a path through a file",
    lines: "COPY bread/crumb /",
    message: `IMAGES_SOURCE_MISSING
There is no "bread/crumb" in the context
Dockerfile:2:1
Create it, or name a file that is there.`,
  },
  {
    title: "a pattern that matches nothing",
    lines: "COPY *.tgz /",
    message: `IMAGES_SOURCE_MISSING
There is no "*.tgz" in the context
Dockerfile:2:1
Create it, or name a file that is there.`,
  },
  {
    title: "a link to nothing",
    lines: "COPY today /",
    files: { today: { link: "gone" } },
    message: `IMAGES_LINK_DANGLING
"today" in the context is a link to "gone", which is not there
Dockerfile:2:1
Create what the link names, or copy the folder that holds the link: then it stays a link.`,
  },
  {
    title: "a source that the ignore file leaves out",
    lines: "COPY shop/bread /",
    files: { "shop/bread": "rye", ".dockerignore": "shop" },
    message: `IMAGES_SOURCE_IGNORED
"shop/bread" is there, but ".dockerignore" leaves it out
Dockerfile:2:1
Add the line "!shop/bread" at the end of ".dockerignore", or copy another file.`,
  },
  {
    title: "a source above the context",
    lines: "COPY shop/../../key /",
    message: `IMAGES_SOURCE_OUTSIDE
"shop/../../key" leaves the context
Dockerfile:2:1
Copy the file into the context, or build with a folder above as the context.`,
  },
  {
    title: "a link out of the context by its full path",
    lines: "COPY shop/pass /",
    files: { "shop/pass": { link: "/etc/passwd" } },
    message: `IMAGES_SOURCE_OUTSIDE
"shop/pass" leaves the context: "shop/pass" is a link to "/etc/passwd"
Dockerfile:2:1
Copy the file into the context, or build with a folder above as the context.`,
  },
  {
    title: "a folder of the path is a link out of the context",
    lines: "COPY up/key /",
    files: { up: { link: "a/../.." } },
    message: `IMAGES_SOURCE_OUTSIDE
"up/key" leaves the context: "up" is a link to "a/../.."
Dockerfile:2:1
Copy the file into the context, or build with a folder above as the context.`,
  },
  {
    title: "a folder of the path is a link to the folder above the context",
    lines: "COPY up/key /",
    files: { up: { link: "../" } },
    message: `IMAGES_SOURCE_OUTSIDE
"up/key" leaves the context: "up" is a link to "../"
Dockerfile:2:1
Copy the file into the context, or build with a folder above as the context.`,
  },
  {
    title: "links in a circle",
    lines: "COPY a /",
    files: { a: { link: "b" }, b: { link: "a" } },
    message: `IMAGES_LINK_LOOP
The link "a" in the context leads in a circle
Dockerfile:2:1
Point one of its links at a file or folder.`,
  },
  {
    title: "an archive compressed with something else than gzip",
    lines: "ADD bread.tar.xz /",
    files: { "bread.tar.xz": Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]) },
    message: `IMAGES_ARCHIVE_UNSUPPORTED
The embedded engine cannot unpack "bread.tar.xz": it is compressed with xz
Dockerfile:2:1
Compress the archive with gzip, or use COPY to keep it as a file.`,
  },
  {
    title: "a --chmod that is no octal number",
    lines: "COPY --chmod=u+x bread /",
    message: `IMAGES_CHMOD_MALFORMED
--chmod=u+x is no octal number from 0 to 7777
Dockerfile:2:1
Write the permissions as digits, for example --chmod=755.`,
  },
  {
    title: "a user that the image does not have",
    lines: "COPY passwd /etc/passwd\nCOPY --chown=bakre bread /",
    files: { passwd: "baker:x:1:1::/:\n" },
    message: `IMAGES_OWNER_UNKNOWN
The image has no user "bakre" in /etc/passwd
Dockerfile:3:1
Use "baker", or write the number instead.`,
  },
  {
    title: "a group in an image without groups",
    lines: "COPY --chown=1:bakers bread /",
    message: `IMAGES_OWNER_UNKNOWN
The image has no group "bakers" in /etc/group
Dockerfile:2:1
Write the number instead, for example --chown=1000:1000.`,
  },
  {
    title: "several files into one",
    lines: "COPY bread shop/* /all",
    files: { "shop/a": "1", "shop/b": "2" },
    message: `IMAGES_TARGET_SLASH
3 sources cannot become one file "/all"
Dockerfile:2:1
End the destination with a slash: "/all/".`,
  },
  {
    title: "a destination below a file",
    lines: "COPY bread /x\nCOPY bread /x/y",
    message: `IMAGES_TARGET_FILE
"/x" is a file in the image, and a folder is needed there
Dockerfile:3:1
Name another destination.`,
  },
  {
    title: "a file that would replace a folder",
    lines: "COPY bread /x/y/z\nCOPY shop /x",
    files: { "shop/y": "1" },
    message: `IMAGES_TARGET_FOLDER
"/x/y" is a folder in the image, and a file would replace it
Dockerfile:3:1
Rename the file, or name another destination.`,
  },
  {
    title: "a destination behind links in a circle",
    lines: "COPY links /\nCOPY bread /a/",
    files: { "links/a": { link: "b" }, "links/b": { link: "a" } },
    message: `IMAGES_TARGET_LOOP
The link "/a" in the image leads in a circle
Dockerfile:3:1
Name another destination, or a base image without this link.`,
  },
]);

test("IMAGES_CONTEXT_MISSING: there is no context", async () => {
  const dir = await writeContext({ Dockerfile: "FROM scratch\n" });

  const error = await failure({}, { context: "nowhere", dockerfile: join(dir, "Dockerfile") });

  expect(render(error)).toBe(
    'IMAGES_CONTEXT_MISSING\nThere is no folder "nowhere" to build from\n\nCreate it, or name the folder that holds the files to copy.',
  );
});

test("IMAGES_SOURCE_SPECIAL: a device in the context", async () => {
  const dir = await writeContext({ Dockerfile: "FROM scratch\nCOPY null /\n" });

  const error = await failure({}, { context: "/dev", dockerfile: join(dir, "Dockerfile"), cwd: dir });

  expect(render(error)).toBe(
    'IMAGES_SOURCE_SPECIAL\n"null" is a character device, which no image can get from a context\nDockerfile:2:1\nRemove it, or name it in the ignore file.',
  );
});

test("IMAGES_SOURCE_CHANGED: a file has more bytes than it said", async () => {
  const dir = await writeContext({ Dockerfile: "FROM scratch\nCOPY version /\n" });

  // Files of the kernel say that they are empty.
  const error = await failure({}, { context: "/proc", dockerfile: join(dir, "Dockerfile"), cwd: dir });

  expect(render(error)).toBe(
    "IMAGES_SOURCE_CHANGED\nA file of `COPY version /` changed while it was read\nDockerfile:2:1\nLet the task that writes it end before the image is built: name it in `needs`.",
  );
  expect(error.exitCode).toBe(1);
});

test("IMAGES_ARCHIVE_DAMAGED: an archive that ends too early", async () => {
  const dir = await writeContext({ Dockerfile: "FROM scratch\nADD cut.tar /\n" });
  const archive = pack();
  archive.entry({ name: "bread" }, "x".repeat(5000));
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  await writeFile(join(dir, "cut.tar"), Buffer.concat(chunks).subarray(0, 2000));

  const error = await failure({}, { context: dir, dockerfile: join(dir, "Dockerfile"), cwd: dir });

  expect(render(error)).toBe(
    'IMAGES_ARCHIVE_DAMAGED\nThe archive "cut.tar" cannot be unpacked: Unexpected end of data\nDockerfile:2:1\nMake the archive again, or use COPY to keep it as a file.',
  );
});

test("IMAGES_BASE_PLATFORM: a base image for another platform", async () => {
  const error = await failure(
    { Dockerfile: "FROM scratch AS x\nFROM shop/base:1\n" },
    await baseOf({ architecture: "s390x", os: "linux", rootfs: { type: "layers", diff_ids: [] } }),
  );

  expect(render(error)).toBe(
    'IMAGES_BASE_PLATFORM\nThe image "shop/base:1" is for linux/s390x, this stage is for linux/amd64\nDockerfile:2:1\nName an image that has linux/amd64, or build for linux/s390x.',
  );
  expect(error.exitCode).toBe(1);
});

test("IMAGES_BASE_UNREADABLE: a config that does not fit its manifest", async () => {
  const error = await failure(
    { Dockerfile: "FROM shop/base:1\n" },
    await baseOf({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: ["sha256:x"] } }),
  );

  expect(render(error)).toBe(
    'IMAGES_BASE_UNREADABLE\nThe image "shop/base:1" cannot be read: its config and its manifest do not have the same number of layers\nDockerfile:1:1\nMake or fetch the image again, or name another one.',
  );
});

/** A layout with an image of this config and no layers, which every reference names. */
async function baseOf(document: object): Promise<Options> {
  const layout = await createLayout(await temporaryFolder());
  const config = {
    mediaType: mediaTypes.oci.config,
    ...(await writeBlob(layout, Buffer.from(JSON.stringify(document)))),
  };
  const manifest = {
    mediaType: mediaTypes.oci.manifest,
    ...(await writeBlob(layout, Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: [] })))),
  };
  return { layout, resolveBase: async () => manifest };
}
