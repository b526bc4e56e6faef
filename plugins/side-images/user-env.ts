/** The user's environment for programs that are the user's own: scripts, `oc`, git. Knows which variables are not theirs. */

/** What bt, make and git say about themselves, not about the user. */
const own = /^(BT_\w+|MAKE\w*|MFLAGS|GNUMAKEFLAGS|CARGO_MAKEFLAGS|GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX|COMMON_DIR))$/;

/** All variables but those. Scripts of components read whatever their authors have exported. */
export function userEnvironment(): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}
