/** Runs the command that prints the release tag, and plans the run again with what it has printed. Does not know Dockerfiles. */
import { findTool } from "../../core/index.ts";
import { parentUnseen } from "./errors.ts";
import { throwMistakes } from "./mistakes.ts";
import { parentsOf, type SidePlan } from "./plan.ts";
import { checkTag, pendingTag } from "./release-tag.ts";
import { planOf, type SideContext, type Site } from "./role.ts";
import { userEnvironment } from "./user-env.ts";
import { programMissing, tagCommandFailed } from "./value-errors.ts";

/** What an exit code means is decided here. */
const allCodes = Array.from({ length: 256 }, (_, code) => code);

/** The tag. @throws BtError SIDE_IMAGES_RELEASE_TAG, SIDE_IMAGES_PROGRAM_MISSING, and what the plan finds wrong with it */
export async function takeTag(context: SideContext, site: Site): Promise<string> {
  const { exec, env, log, isDryRun } = context;
  const { tagCommand = [""] } = planOf(site); // The graph tap adds this task only where there is one.
  const [program, ...words] = tagCommand;
  if (isDryRun) {
    await exec(program, words);
    log.info(`${pendingTag} stands for the tag that it prints`);
    return pendingTag;
  }
  if (!program.includes("/") && findTool(program, env["PATH"] ?? "") === undefined)
    throw programMissing(program, "it prints the release tag", program);
  const { exitCode, stdout, stderr } = await exec(program, words, {
    show: false,
    env: userEnvironment(),
    allowedCodes: allCodes,
  });
  const shown = tagCommand.join(" ");
  if (exitCode !== 0) throw tagCommandFailed(shown, `ends with ${exitCode}`, lastLines(stderr));
  const text = stdout.trim();
  if (text === "") throw tagCommandFailed(shown, "prints nothing", lastLines(stderr));
  const tag = checkTag(text, `\`${shown}\``);
  const before = planOf(site);
  const after = await site.renew!(tag);
  await compare(site, before, after);
  log.info(`the release tag is ${tag}`);
  return tag;
}

/** A parent that shows only now has not been built for its child. */
async function compare(site: Site, before: SidePlan, after: SidePlan): Promise<void> {
  const mistakes: unknown[] = [];
  for (const { component, arch, file } of site.cells.values()) {
    const [old, now] = [await before.cell(component, arch), await after.cell(component, arch)];
    const seen = old === undefined ? [] : parentsOf(old);
    for (const parent of now === undefined ? [] : parentsOf(now))
      if (!seen.some((one) => one.component === parent.component && one.arch === parent.arch))
        mistakes.push(parentUnseen(file, parent.reference));
  }
  throwMistakes([...after.mistakes, ...mistakes]);
}

function lastLines(text: string): readonly string[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-5);
}
