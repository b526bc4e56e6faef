/** The work of `rpm-deps:doctor`: reads the committed files and says what is strange. Writes nothing. */
import { loadBazelFiles } from "./bazel-files.ts";
import { createDesk, toParams, type Task } from "./desk.ts";
import { findSymptoms } from "./doctor.ts";
import type { RpmDepsOptions } from "./options.ts";
import { symptomsFound } from "./repository-errors.ts";

/** @throws BtError RPM_DEPS_SYMPTOMS with exit code 3 when it is to be strict */
export async function examineFiles(
  task: Task,
  options: RpmDepsOptions,
): Promise<{ readonly symptoms: readonly string[] }> {
  const { json, strict } = task.params;
  const desk = await createDesk(
    task,
    options,
    { ...toParams(task.params, options), singleArch: options.arches },
    "all",
  );
  const symptoms = findSymptoms(await loadBazelFiles(task.root, desk), desk.allTrees, options);
  if (json === true) task.log.info(JSON.stringify({ symptoms }));
  else for (const symptom of symptoms) task.log.info(symptom);
  if (symptoms.length === 0 && json !== true) task.log.info("Nothing is strange");
  if (symptoms.length > 0 && strict === true) throw symptomsFound(symptoms.length);
  return { symptoms };
}
