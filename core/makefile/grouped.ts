/** Rules whose recipe makes several targets at once (`a b &: c`). Pure; does not know tasks. */
import type { MakeRule } from "./database.ts";

/** Why such a rule stays with make. */
export const several = "its recipe makes several targets";

/** All targets of its recipe, itself among them. */
export function groupOf({ target, also = [] }: MakeRule): readonly string[] {
  return [...new Set([target, ...also])].sort();
}

/** Of several targets of one recipe the first has it, and the others need that one, where the recipe is the same for all. */
export function spreadGrouped(rule: MakeRule): MakeRule {
  if (rule.also === undefined) return rule;
  const all = groupOf(rule);
  const [first = rule.target] = all;
  const text = rule.recipe.map((line) => line.text).join("\n");
  const words = new Set(text.split(/[\s;&|<>()"']+/));
  const isSame = !/\$@|\$[({]@/.test(text) && all.every((target) => words.has(target));
  if (!isSame || rule.isPhony) return { ...rule, odd: several };
  return rule.target === first ? rule : { ...rule, recipe: [], needs: [first], orderOnly: [] };
}
