/** Every message about the text of a Dockerfile, whole: code, problem, place and fix. */
import { expect, test } from "vitest";
import { testMistakes } from "./mistake.ts";
import { failure, render } from "./rig.ts";

testMistakes([
  {
    title: "RUN names its line and the engines that can",
    lines: "COPY bread /\nRUN apt-get \\\n  update",
    message: `IMAGES_RUN_UNSUPPORTED
The embedded engine cannot run commands, and this stage is needed: \`RUN apt-get   update\`
Dockerfile:3:1
Take it out and COPY what it makes, or build this image in a task that calls an engine that can: \`buildah build\`, \`podman build\` or \`docker build\`.`,
  },
  {
    title: "an unknown instruction gets the nearest one",
    lines: "  COPPY bread /",
    message: `IMAGES_INSTRUCTION_UNKNOWN
There is no instruction "COPPY"
Dockerfile:2:3
Use COPY.`,
  },
  {
    title: "an instruction before FROM",
    lines: "LABEL a=b\nFROM scratch",
    message: `IMAGES_INSTRUCTION_MISPLACED
LABEL stands before the first FROM
Dockerfile:1:1
Move the LABEL below a FROM; only ARG may stand before it.`,
  },
  {
    title: "a Dockerfile without FROM",
    lines: "ARG FROM=x # FROM",
    message: `IMAGES_DOCKERFILE_EMPTY
"Dockerfile" has no FROM
Dockerfile
Begin it with the image to build on: FROM scratch, or FROM IMAGE.`,
  },
  {
    title: "an instruction that cannot be read",
    lines: "COPY bread",
    message: `IMAGES_INSTRUCTION_MALFORMED
COPY cannot be read: it needs at least one source and a destination, "bread" is not both
Dockerfile:2:1
Write the COPY as the Dockerfile reference says.`,
  },
  {
    title: "an unknown flag gets the nearest one",
    lines: "COPY --chwon=1 bread /",
    message: `IMAGES_FLAG_UNKNOWN
COPY has no flag "--chwon"
Dockerfile:2:1
Use "--chown"; COPY has --chmod, --chown, --from, --link, --exclude, --parents.`,
  },
  {
    title: "a flag that only other engines obey",
    lines: "COPY --parents bread /",
    message: `IMAGES_FLAG_UNSUPPORTED
The embedded engine cannot obey COPY --parents
Dockerfile:2:1
Remove the flag, or choose an engine that can: set \`engine\` to "docker" in the builderfile, or say ENGINE=docker.`,
  },
  {
    title: "a --from that is a misspelt stage",
    lines: "FROM scratch AS builder\nFROM scratch\nCOPY --from=bulider a /",
    message: `IMAGES_STAGE_MISSING
"bulider" names no stage above; the stages above are "builder"
Dockerfile:3:1
Use "builder", or write an image with its registry or tag.`,
  },
  {
    title: "a --from with a number that no stage has",
    lines: "COPY --from=7 a /",
    message: `IMAGES_STAGE_MISSING
"7" names no stage above; no stage above has a name
Dockerfile:2:1
Name one of the stages above, or give an image with its registry.`,
  },
  {
    title: "a --from that names a later stage",
    lines: "FROM scratch\nCOPY --from=late a /\nFROM scratch AS late\nFROM 0",
    options: { target: "0" },
    message: `IMAGES_FROM_CIRCLE
"late" is a stage that begins here or later
Dockerfile:2:1
Move that stage up: a stage can only use those above it.`,
  },
  {
    title: "two stages of one name",
    lines: "FROM scratch AS a\nFROM scratch AS A",
    message: `IMAGES_STAGE_TWICE
Two stages are called "a", the first in line 1
Dockerfile:2:1
Rename one of them.`,
  },
  {
    title: "a target that is no stage",
    lines: "FROM scratch AS builder",
    options: { target: "biulder" },
    message: `IMAGES_TARGET_UNKNOWN
"Dockerfile" has no stage "biulder"; it has "builder"
Dockerfile
Use "builder".`,
  },
  {
    title: "an ARG in FROM without a value",
    lines: "ARG BASE\nFROM $BASE",
    message: `IMAGES_FROM_UNSET
"$BASE" is empty after its variables are replaced
Dockerfile:2:1
Give the ARG before the first FROM a default, or pass it as a build argument.`,
  },
  {
    title: "a variable that must be set",
    lines: 'ARG FLOUR\nLABEL f="${FLOUR:?say which}"',
    message: `IMAGES_VARIABLE_REQUIRED
The variable "FLOUR" is not set: say which
Dockerfile:3:1
Pass FLOUR as a build argument, or give its ARG a default.`,
  },
  {
    title: "a quote that is not closed",
    lines: 'LABEL f="rye',
    message: `IMAGES_VARIABLE_MALFORMED
The variables of \`"rye\` cannot be replaced: a quote is not closed
Dockerfile:2:1
Write the variable or quote in full, or put the escape character before it.`,
  },
  {
    title: "a URL is not downloaded",
    lines: "ADD https://example.com/bread /",
    message: `IMAGES_URL_REFUSED
The embedded engine does not download "https://example.com/bread"
Dockerfile:2:1
Download it in a task of its own and COPY the file. Or build this image in a task that calls an engine that can: \`buildah build\`, \`podman build\` or \`docker build\`.`,
  },
]);

test("IMAGES_DOCKERFILE_MISSING: there is no Dockerfile", async () => {
  const error = await failure({ bread: "rye" });

  expect(render(error)).toBe(
    'IMAGES_DOCKERFILE_MISSING\nThere is no Dockerfile "Dockerfile"\n\nCreate it, or name the file that is there.',
  );
});
