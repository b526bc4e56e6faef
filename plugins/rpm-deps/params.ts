/** The params of the tasks: one for each variable of the original. Loads nothing. */
import { param, platforms, type Param, type ParamSet, type StandardSchema } from "../../core/index.ts";
import { pinExpectation } from "./errors.ts";
import type { RpmDepsOptions } from "./options.ts";
import { isPinText, pinParam, pinVariable } from "./spec.ts";
import { pinNames } from "./tree.ts";

/** Params by name, as a task has them. */
export type Declared = ParamSet;

/** Which trees: architectures, base system, repositories, pins and groups. */
export function treeParams(options: RpmDepsOptions): Declared {
  const pins = pinNames(options).map((pin) => [pinParam(pin), declarePin(pin)] as const);
  return {
    singleArch: param.listOf(platforms(...options.arches), {
      env: "SINGLE_ARCH",
      description: "Only these architectures, in any spelling",
    }),
    basesystem: param.string({ env: "BASESYSTEM", description: "Package that names the distribution" }),
    customRepo: param.string({ env: "CUSTOM_REPO", description: "Repository list that comes first" }),
    only: param.list({ env: "ONLY", description: "Only trees that use these pins, and these groups" }),
    ...Object.fromEntries(pins),
  };
}

/** Which stream; a task for one stream does not have it. */
export function streamParam(options: RpmDepsOptions): Declared {
  const known = Object.keys(options.streams).join(", ");
  return {
    stream: param.string({ env: "KUBEVIRT_CENTOS_STREAM_VERSION", description: `Stream: ${known}, or its number` }),
  };
}

/** How it is solved. */
export function solveParams(): Declared {
  return {
    bazeldnf: param.string({ env: "BAZELDNF", description: "The solver's program" }),
    jobs: param.integer({ env: "JOBS", description: "Solvers at the same time" }),
  };
}

/** Checked before anything starts, so that a message names the place that it came from. */
function declarePin(pin: string): Param<string> {
  const schema: StandardSchema<string> = {
    "~standard": {
      version: 1,
      vendor: "bt",
      validate: (value) => {
        const text = String(value);
        return isPinText(text) ? { value: text } : { issues: [{ message: pinExpectation(pin) }] };
      },
    },
  };
  return param.schema(schema, {
    env: pinVariable(pin),
    default: "",
    description: `Version of ${pin}: EPOCH:VERSION-RELEASE`,
  });
}
