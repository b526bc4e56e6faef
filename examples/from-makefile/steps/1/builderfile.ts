import { defineBuilder, task } from "builderfile";

const config = task({
  description: "Joins the fragments of the kernel's configuration",
  inputs: ["fragments/*"],
  outputs: ["dist/config"],
  run: ({ $, inputs }) => $`cat ${inputs} > dist/config`,
});

export default defineBuilder({ tasks: { config } });
