/** Runs the command that prints the release tag, and plans the run again with what it has printed. Does not know Dockerfiles. */
import { parentUnseen } from "./errors.ts";
import { throwMistakes } from "./mistakes.ts";
import { parentsOf, type SidePlan } from "./plan.ts";
import { checkTag, pendingTag } from "./release-tag.ts";
import { planOf, type SideContext, type Site } from "./role.ts";
import { lastLines, runUserCommand } from "./user-command.ts";
import { tagCommandFailed } from "./value-errors.ts";

/** The tag. @throws BtError SIDE_IMAGES_RELEASE_TAG, SIDE_IMAGES_PROGRAM_MISSING, and what the plan finds wrong with it */
export async function takeTag(context: SideContext, site: Site): Promise<string> {
  const { log, isDryRun } = context;
  const { tagCommand = [""] } = planOf(site); // The graph tap adds this task only where there is one.
  if (isDryRun) {
    const [program, ...words] = tagCommand;
    await context.exec(program, words);
    log.info(`${pendingTag} stands for the tag that it prints`);
    return pendingTag;
  }
  const purpose = { what: "it prints the release tag", install: tagCommand[0] };
  const { exitCode, stdout, stderr } = await runUserCommand(context, tagCommand, purpose);
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
