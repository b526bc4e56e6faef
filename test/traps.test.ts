/** What build tools get wrong now and then, and the test that keeps bt from it. Reads titles of tests; runs none of them. */
import * as fs from "node:fs";
import * as path from "node:path";
import { expect, test } from "vitest";

/** What must hold, the test's file below `test/`, and its title or how it begins. */
const traps: readonly (readonly [holds: string, file: string, title: string])[] = [
  ["Ctrl-C in the middle makes nothing fresh", "run/cancel", "a cancelled task is not up to date afterwards"],
  [
    "a crash in the middle makes nothing fresh",
    "run/crash",
    "killed at any moment, bt never takes half-made things for done",
  ],
  ["questions are read-only", "run/read-only", "no question changes anything in a project with a past"],
  ["questions make no state", "run/dry", "questions in a project that bt has never seen leave nothing"],
  ["a dry run writes nothing", "run/dry", "a dry run in a project that bt has never seen leaves no trace"],
  ["a dry run starts nothing", "run/dry", "a dry run starts no program"],
  ["files of one name in two folders are two", "run/fresh", "inputs of the same name in two folders are two inputs"],
  ["the command counts", "run/code", "a changed command names the old and the new one"],
  ["outputs are compared by content", "core/plan", "outputs are compared by content: %s"],
  ["a need that made other files counts", "run/fresh", "a need that makes the same again leaves what needs it alone"],
  ["a need that made something else counts", "run/fresh", "a need that returns another value runs what needs it"],
  ["the builderfile counts", "run/code", "a changed builderfile runs its functions again, but not its commands"],
  ["modules that it imports count", "run/code", "a changed module runs the functions of the modules that import it"],
  ["options of plugins count", "run/code", "a changed option of a plugin runs the functions"],
  ["every change of a declared input counts", "run/fresh", "an input that changed in %s runs the task"],
  [
    "words after -- are one task's",
    "run/params",
    "words after -- go to the one task that takes them, and into its key only",
  ],
  [
    "another key has an explanation",
    "core/fingerprint",
    "two documents have differences if and only if their keys differ",
  ],
  ["all reasons are told", "core/plan", "every reason is given, not only the first"],
  ["what is restored equals what was made", "run/cache", "restored files equal the originals"],
  ["no part of a result hits", "run/cache-crash", "no partial cache entry after a crash at any point"],
  ["no part of a result hits on a disk that fails", "run/faults", "%s at any moment of a run that builds, keeps"],
  ["no tag moves alone, wherever bt is killed", "run/publish-faults", "EIO, ENOSPC, EACCES and SIGKILL at any moment"],
  ["no part of a result is shared or published", "run/crash-whole", "killed at any moment, bt leaves no half"],
  ["a cache does not grow for ever", "run/cache-rules", "cache size is bounded without manual deletion"],
  [
    "a checksum is checked on what was kept as well",
    "plugins/rpm-deps/check",
    "a file in the cache that is not what its checksum says is fetched again",
  ],
  ["digests are checked on this machine too", "run/cache", "cache digests are verified on read"],
  ["no value leaves the machine", "plugins/remote-cache/run", "no secret and no value of a variable goes to"],
  ["a fork cannot replace what others restore", "plugins/remote-cache/run", "a run for a pull request restores"],
  [
    "results of untrusted code stay apart",
    "plugins/remote-cache/registry",
    "pull requests write into a repository of their own",
  ],
  [
    "a small entry for many outputs",
    "plugins/remote-cache/http",
    "an entry stays small, however long the list of outputs is",
  ],
  [
    "only signed results, where signatures are asked for",
    "plugins/remote-cache/registry",
    "an artifact without the signature that is asked for is a miss",
  ],
  [
    "digests are checked on the way back",
    "plugins/remote-cache/http",
    "an entry or a record that was spoiled is a miss",
  ],
  ["any server will do as a cache", "plugins/remote-cache/run", "a second checkout restores from a plain %s"],
  ["needs of what is up to date do not run", "run/fresh", "what comes before a task that is up to date does not run"],
  ["nor do services", "run/service", "a service does not start for a task that is up to date"],
  ["files are needs and outputs", "run/order", "a task that reads what another writes needs it"],
  ["params are typed", "run/params", "typed params are read in every spelling"],
  ["params go on only where they are declared", "run/params", "a needed task that declares the same variable gets it"],
  ["a task is never swallowed as a word", "run/ask", "a word is always a task and never swallowed by another"],
  ["exactly these tasks can be asked for", "run/ask", "--only runs a task whose needs are up to date"],
  ["edges can have conditions", "run/failure", "`when` that says no leaves the task out"],
  ["after a failure nothing queued starts", "core/schedule", "after a failure nothing queued starts"],
  [
    "a builderfile with a mistake is told each time",
    "run/read-only",
    "a builderfile that has a mistake is looked at again",
  ],
  [
    "what made the builderfile be read again is named",
    "run/read-only",
    "--verbose says what has changed when a builderfile is evaluated again",
  ],
  ["-j1 is serial", "run/jobserver-server", "with -j1 everything is serial"],
  ["a descriptor that is no jobserver is not touched", "run/jobserver-client", "what is announced is %s"],
  ["tokens are counted at the end", "run/jobserver-server", "a make that is killed loses slots"],
  ["grandchildren end, whatever session they are in", "run/cancel", "grandchildren end with their task"],
  ["a second signal kills", "run/cancel", "a second signal kills at once what ignores the first"],
  ["a failing cell fails the whole", "run/failure", "a failing cell fails the matrix task, whichever cell it is"],
  [
    "no tag moves when an image is missing",
    "plugins/multiarch-manifest/publish",
    "publish() moves no tag of a group when one image is broken",
  ],
  ["no platform is missing or left over", "plugins/multiarch-manifest/publish", "publish() needs exactly the required"],
  ["what a registry has is an output", "plugins/images/task", "an index is published to a registry, and not again"],
  ["results are values, not last lines", "run/order", "a fan-in gets the value of every cell"],
  ["weak edges exist", "run/order", "`after` only orders: its result is no input"],
  ["dates are no content", "run/fresh", "a touched input is not a changed one"],
  [
    "a change that keeps size and date is seen",
    "run/fresh",
    "a change that keeps size and time of an input is noticed",
  ],
  [
    "a change that keeps size and date of a file that was known is seen",
    "core/files",
    "describeFile() reads a file again that was changed and given its size and time back",
  ],
  ["the key is there for the task", "run/params", "a task gets its key, which --why tells"],
  ["starting up loads nothing", "run/shortcut", "the list and an up-to-date run load no module but node:fs"],
  ["output comes in blocks", "report/plain", "grouped: every task is a block"],
  ["output comes as it happens", "report/plain", "stream: lines come as they happen"],
  ["how long it takes is told from history", "report/window", "the time left is shown from history"],
  ["tasks have other names too", "core/catalog", "findAddress() takes a whole name before a cell, an alias"],
  ["environment files are read", "run/params", "variables of an environment file that the builderfile reads reach"],
  ["the graph can be drawn", "run/ask", "--graph says the same in all formats"],
  ["what a task takes is told", "run/ask", "the list names what must be given and a few params more; help names all"],
  ["what a task is made of is told", "run/ask", "help of a task says what it needs, reads and makes, and how it last"],
  ["more than one failure is told", "run/failure", "-k goes on with all that does not need the failed task"],
  ["each run has one place for its logs", "run/ask", "each task has a log of its own"],
  ["tasks run side by side, within limits", "run/order", "%s runs that many at once"],
];

const root = import.meta.dirname;

test.each(traps)("%s", (_, file, title) => {
  const text = fs.readFileSync(path.join(root, `${file}.test.ts`), "utf8");
  const titles = [...text.matchAll(/\(\s*(["'`])((?:(?!\1)[^\\\n]|\\.)*)\1,/g)].map(([, , found = ""]) => found);

  expect(
    titles.some((one) => one.startsWith(title)),
    `no test of ${file}.test.ts is called so`,
  ).toBe(true);
});
