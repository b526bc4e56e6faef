/** Which trust domain a run belongs to: one table of how CI systems tell pull requests. Pure; does not know what is stored. */

type Environment = Readonly<Record<string, string | undefined>>;

/** The domains of a run, the own one first, then the more trusted ones. */
export interface Domains {
  /** Whether the run may work on code that nobody has merged. */
  readonly isPullRequest: boolean;
  /** Undefined: a pull request without a number, which has none. */
  readonly own: string | undefined;
  /** Read in this order. Begins with `own`, if there is one. */
  readonly readable: readonly string[];
}

/** How one CI system says that a run is about a pull request, and which one. */
interface PullRequestSign {
  readonly system: string;
  readonly isPullRequest: (env: Environment) => boolean;
  readonly number: (env: Environment) => string | undefined;
}

const has =
  (...names: readonly string[]) =>
  (env: Environment): boolean =>
    names.some((name) => !["", "false", "0", undefined].includes(env[name]?.toLowerCase()));
const first =
  (...names: readonly string[]) =>
  (env: Environment): string | undefined =>
    names.map((name) => env[name]).find((value) => value !== undefined && /^\d+$/.test(value));
const is =
  (name: string, shape: RegExp) =>
  (env: Environment): boolean =>
    shape.test(env[name] ?? "");

/** One sign is enough, whatever the others say. GitHub's `issue_comment` and `workflow_run` often work on a pull request without its number. */
const signs: readonly PullRequestSign[] = [
  {
    system: "GitHub, Gitea, Forgejo",
    isPullRequest: is("GITHUB_EVENT_NAME", /^(pull_request|issue_comment$|workflow_run$)/),
    number: (env) => /^refs\/pull\/(\d+)\//.exec(env["GITHUB_REF"] ?? "")?.[1],
  },
  {
    system: "GitHub, by its ref",
    isPullRequest: is("GITHUB_REF", /^refs\/pull\//),
    number: (env) => /^refs\/pull\/(\d+)\//.exec(env["GITHUB_REF"] ?? "")?.[1],
  },
  {
    system: "GitLab",
    isPullRequest: has("CI_MERGE_REQUEST_ID", "CI_MERGE_REQUEST_IID", "CI_EXTERNAL_PULL_REQUEST_IID"),
    number: first("CI_MERGE_REQUEST_IID", "CI_EXTERNAL_PULL_REQUEST_IID", "CI_MERGE_REQUEST_ID"),
  },
  {
    system: "GitLab, by its source",
    isPullRequest: is("CI_PIPELINE_SOURCE", /^(merge_request_event|external_pull_request_event)$/),
    number: first("CI_MERGE_REQUEST_IID", "CI_EXTERNAL_PULL_REQUEST_IID"),
  },
  { system: "Prow", isPullRequest: is("JOB_TYPE", /^(presubmit|batch)$/), number: first("PULL_NUMBER") },
  { system: "Jenkins", isPullRequest: has("CHANGE_ID", "ghprbPullId"), number: first("CHANGE_ID", "ghprbPullId") },
  {
    system: "Azure Pipelines",
    isPullRequest: (env) => has("SYSTEM_PULLREQUEST_PULLREQUESTID")(env) || is("BUILD_REASON", /^PullRequest$/)(env),
    number: first("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER", "SYSTEM_PULLREQUEST_PULLREQUESTID"),
  },
  {
    system: "CircleCI",
    isPullRequest: has("CIRCLE_PULL_REQUEST", "CIRCLE_PR_NUMBER"),
    number: (env) => first("CIRCLE_PR_NUMBER")(env) ?? /\/pull\/(\d+)$/.exec(env["CIRCLE_PULL_REQUEST"] ?? "")?.[1],
  },
  { system: "Travis CI", isPullRequest: has("TRAVIS_PULL_REQUEST"), number: first("TRAVIS_PULL_REQUEST") },
  { system: "Buildkite", isPullRequest: has("BUILDKITE_PULL_REQUEST"), number: first("BUILDKITE_PULL_REQUEST") },
  { system: "Drone", isPullRequest: has("DRONE_PULL_REQUEST"), number: first("DRONE_PULL_REQUEST") },
  { system: "Woodpecker", isPullRequest: has("CI_COMMIT_PULL_REQUEST"), number: first("CI_COMMIT_PULL_REQUEST") },
  { system: "Cirrus CI", isPullRequest: has("CIRRUS_PR"), number: first("CIRRUS_PR") },
  { system: "Bitbucket", isPullRequest: has("BITBUCKET_PR_ID"), number: first("BITBUCKET_PR_ID") },
  {
    system: "AppVeyor",
    isPullRequest: has("APPVEYOR_PULL_REQUEST_NUMBER"),
    number: first("APPVEYOR_PULL_REQUEST_NUMBER"),
  },
  { system: "Semaphore", isPullRequest: has("SEMAPHORE_GIT_PR_NUMBER"), number: first("SEMAPHORE_GIT_PR_NUMBER") },
  { system: "Zuul", isPullRequest: has("ZUUL_CHANGE"), number: first("ZUUL_CHANGE") },
];

/** The domains of a run in this environment. `trusted`, the own one first, counts only outside of pull requests. */
export function findDomains(env: Environment, trusted: readonly string[]): Domains {
  const told = signs.filter(({ isPullRequest }) => isPullRequest(env));
  if (told.length === 0) return { isPullRequest: false, own: trusted[0], readable: trusted };
  const number = told.map((sign) => sign.number(env)).find((one) => one !== undefined);
  const own = number === undefined ? undefined : `pr/${number}`;
  return { isPullRequest: true, own, readable: own === undefined ? trusted : [own, ...trusted] };
}

/** Whether results of a domain may be taken by runs of merged code. */
export function isTrusted(domain: string): boolean {
  return !domain.startsWith("pr/");
}
