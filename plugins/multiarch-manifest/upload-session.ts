/** Uploads before and after their bytes: opened, mounted instead, given up. Does not send blobs. */
import { isBtError } from "../../core/index.ts";
import { ask, describeRefusal, locationOf } from "./client.ts";
import type { Repository } from "./host.ts";
import { dropBody, type HttpAnswer } from "./http.ts";
import { deleteScope, pullScope, pushScope } from "./registry.ts";
import { pushDenied } from "./registry-errors.ts";

/**
 * Proves that the login may push, by opening an empty upload and giving it up.
 * @throws BtError REGISTRY_PUSH_DENIED, REGISTRY_DENIED
 */
export async function probePush(repository: Repository): Promise<void> {
  const location = locationOf(await startUpload(repository));
  await closeUpload(repository, location);
}

/** Opens an upload. @throws BtError REGISTRY_PUSH_DENIED, REGISTRY_DENIED */
export async function startUpload(repository: Repository): Promise<HttpAnswer> {
  const path = `/v2/${repository.name}/blobs/uploads/`;
  const scopes = [pushScope(repository)];
  const answer = await ask(repository, { method: "POST", path, scopes, accept: [202, 403, 405] });
  if (answer.status !== 202) throw pushDenied(await describeRefusal(repository, { scopes }, answer), answer.status);
  dropBody(answer);
  return answer;
}

/** Takes a blob from another repository of the host: 201, or 202 and an upload. Undefined: the registry does not let this login read the other repository. */
export async function mountBlob(
  repository: Repository,
  digest: string,
  other: string,
): Promise<HttpAnswer | undefined> {
  const path = `/v2/${repository.name}/blobs/uploads/?mount=${encodeURIComponent(digest)}&from=${encodeURIComponent(other)}`;
  const scopes = [pushScope(repository), pullScope({ ...repository, name: other })];
  try {
    const answer = await ask(repository, { method: "POST", path, scopes, accept: [201, 202] });
    dropBody(answer);
    return answer;
  } catch (error) {
    if (isBtError(error) && ["REGISTRY_DENIED", "REGISTRY_TOKEN", "REGISTRY_FAILED"].includes(error.code))
      return undefined;
    throw error;
  }
}

/** Best effort: the registry throws old uploads away by itself. */
export async function closeUpload(repository: Repository, path: string): Promise<void> {
  await ask(repository, {
    method: "DELETE",
    path,
    scopes: [deleteScope(repository)],
    accept: [200, 202, 204, 400, 404, 405],
    retry: "never",
  })
    .then(dropBody)
    .catch(() => undefined);
}
