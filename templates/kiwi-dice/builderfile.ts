/** Operating-system images: `bt dice-status` says whether they are current, `bt dice-build` builds them. */
import { defineBuilder } from "builderfile";
import { kiwiDice } from "builderfile/plugins/kiwi-dice";

const images = kiwiDice({ recipes: { toolbox: { recipe: "images/toolbox", kiwi: { type: "tbz" } } } });

export default defineBuilder({ plugins: [images] });
