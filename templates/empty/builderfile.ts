/** The tasks of this project: `bt` lists them, `bt TASK` runs one. */
import { defineBuilder, task } from "builderfile";

const hello = task({
  description: "Says that bt works here",
  run: ({ log }) => log.info("bt works here"),
});

export default defineBuilder({ tasks: { hello } });
