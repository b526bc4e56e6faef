/** The secrets of a run: what its params hold, and the text that those in keys are digested with. Does not know how they are hidden. */
import { isBtError, placed } from "./errors.ts";
import { secretsKeyMissing } from "./errors/request.ts";
import type { Graph } from "./graph.ts";
import { variableName } from "./params.ts";
import { createSecrets, type Secrets } from "./secrets.ts";

export interface SecretOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** As the builder's `secretsKey` names it. */
  readonly keyVariable: string | undefined;
}

/** @throws BtError SECRET_SHORT, SECRETS_KEY_MISSING */
export function collectSecrets(
  graph: Graph,
  { env, keyVariable }: SecretOptions,
): { readonly secrets: Secrets; readonly secretsKey: string | undefined } {
  const secrets = createSecrets();
  const secretsKey = keyVariable === undefined ? undefined : env[keyVariable] || undefined;
  if (secretsKey !== undefined) addSecret(secrets, secretsKey, `${keyVariable}, the builder's \`secretsKey\``);
  for (const { id, task, params } of graph.nodes.values()) {
    for (const [name, param] of Object.entries(task.params ?? {})) {
      const value = params[name]?.value;
      if (param.kind !== "secret" || typeof value !== "string") continue;
      const variable = variableName(name, param);
      addSecret(secrets, value, `${variable} of task "${id}"`);
      // Without a key it could be guessed from what is in keys.
      if (param.inKey === true && secretsKey === undefined) throw secretsKeyMissing(id, variable, keyVariable);
    }
  }
  return { secrets, secretsKey };
}

function addSecret(secrets: Secrets, value: string, where: string): void {
  try {
    secrets.add(value);
  } catch (error) {
    throw isBtError(error) ? placed(error, { where }) : error;
  }
}
