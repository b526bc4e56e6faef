/** Asks what no file of this machine tells: whether repositories still offer the same packages. A script of its own, for when nothing here has changed. */
import type { Asked } from "./evidence.ts";
import { askRepository, type Answers } from "./repository.ts";

/** Recipes share repositories. */
const answers: Answers = new Map();

/** One that cannot be read is not the same. */
export async function isSame(about: unknown): Promise<boolean> {
  const asked = about as Asked; // As evidence.ts writes it.
  switch (asked.kind) {
    case "variables":
      return Object.entries(process.env).every(
        ([name, value]) => !name.startsWith("DICE_") || value === "" || asked.known.includes(name),
      );
    case "repository": {
      const { source, arch, digest } = asked;
      const answer = await askRepository(source, arch, { answers, signal: new AbortController().signal });
      return "digest" in answer && answer.digest === digest;
    }
  }
}
