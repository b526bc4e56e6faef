/** Which make the tests have on PATH. */
import { spawnSync } from "node:child_process";

const said = spawnSync("make", ["--version"], { encoding: "utf8" }).stdout ?? "";
const [, major = 0, minor = 0] = (/^GNU Make (\d+)\.(\d+)/.exec(said) ?? []).map(Number);

/** Whether it announces its pool as a path, as make does from 4.4 on; an older one gives descriptors away. */
export const announcesPath: boolean = major > 4 || (major === 4 && minor >= 4);
