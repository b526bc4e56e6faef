/** What KIWI says it is at becomes steps of its task: events, and notes in the live view. */
import { expect, test } from "vitest";
import { followSteps } from "../../../plugins/kiwi-dice/log.ts";
import { testLocal, world } from "./rig.ts";

/** Of a build by KIWI 9.24.56, as bt got it, shortened; a percentage stands before the line that comes after it. */
const recorded = [
  "[ DEBUG   ]: 15:07:21 | Looking for kiwi_boxed_plugin",
  "[ INFO    ]: 15:07:22 | Preparing new root system",
  "[ INFO    ]: 15:07:22 | Setting up repository http://archive.test/debian",
  "[ INFO    ]: 15:07:22 | --> Type: apt-deb\n[ INFO    ]: 15:07:22 | --> Alias: debian",
  "[ INFO    ]: 15:07:22 | Using package manager backend: apt\n[ INFO    ]: 15:07:22 | Installing bootstrap packages",
  "[ INFO    ]: 15:07:22 | --> collection type: onlyRequired",
  "\r[ INFO    ]: Processing: [                                        ] 0%[ DEBUG   ]: 15:07:24 | bootstrap: I: Retrieving InRelease ",
  "\r[ INFO    ]: Processing: [########################################] 100%",
  "[ INFO    ]: 15:09:03 | Installing system (chroot) for build type: tbz",
  "\r[ INFO    ]: Processing: [####################                    ] 50%[ DEBUG   ]: 15:09:17 | system: Setting up libssl3:amd64 (3.0.20-1~deb12u2) ...",
  "[ INFO    ]: 15:09:19 | Calling config.sh script",
  "[ ERROR   ]: 15:09:20 | KiwiScriptFailed: config.sh failed",
];

test("followSteps() tells each message of KIWI once, without details, with a percentage between none and all", () => {
  const steps: string[] = [];
  const hear = followSteps((step) => steps.push(step));

  for (const text of recorded) hear(text);

  expect(steps).toEqual([
    "Preparing new root system",
    "Setting up repository http://archive.test/debian",
    "Using package manager backend: apt",
    "Installing bootstrap packages",
    "Installing system (chroot) for build type: tbz",
    "Installing system (chroot) for build type: tbz, 50 %",
    "Calling config.sh script",
  ]);
});

testLocal("while a recipe is built, events tell what KIWI is at", async () => {
  const p = await world();

  const { stdout } = await p.dice("dice-build", "--json");

  const events = stdout.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));
  expect(events.filter(({ kind }) => kind === "task-step")).toEqual([
    expect.objectContaining({ task: "dice-build:small", text: "Loading XML description" }),
    expect.objectContaining({ task: "dice-build:small", text: "Creating small.x86_64-1.0.0-DiceBuild.tar.xz" }),
  ]);
});
