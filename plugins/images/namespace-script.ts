/** The three shell scripts that run a command in a user and mount namespace with its own binfmt_misc. Text only; starts nothing. */

/** Only somebody outside may map all users of a new namespace, so a helper beside the shell does that and ends. */
const enter = `own=$(readlink /proc/self/ns/user)
read -r first _ count </proc/self/uid_map
[ "$first" = 0 ] || count=1
(
  (
    until there=$(readlink /proc/$$/ns/user) && [ "$there" != "$own" ]; do
      [ -e /proc/$$/ns ] || exit
      sleep 0.01
    done
    { echo "0 0 $count" >/proc/$$/uid_map && echo "0 0 $count" >/proc/$$/gid_map; } || kill $$
  ) </dev/null >/dev/null &
)
exec unshare --user --mount sh -c 'eval "$BT_NAMESPACE_ROOT"' "$0" "$@"`;

/** In the namespace: becomes its root as soon as users are mapped, and from then on ends with whoever started it. */
const root = `until read -r mapped </proc/self/gid_map; do sleep 0.01; done
exec setpriv --reuid 0 --regid 0 --clear-groups --pdeathsig KILL sh -c 'eval "$BT_NAMESPACE_TABLE"' "$0" "$@"`;

/** As root of the namespace: fills its table and becomes the command. */
const table = `unset BT_NAMESPACE BT_NAMESPACE_ROOT BT_NAMESPACE_TABLE
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc || exit
while [ "$1" != -- ]; do
  cat "$1" >/proc/sys/fs/binfmt_misc/register || exit
  shift
done
shift
exec "$@"`;

/** Before RULE… -- COMMAND…: the shell becomes COMMAND, in the same process. */
export const namespaceWords: readonly string[] = ["sh", "-c", 'eval "$BT_NAMESPACE"', "bt"];

/** The scripts, here and not in the words, so that a printed command stays one line that people can read. */
export const namespaceEnv: Readonly<Record<string, string>> = {
  BT_NAMESPACE: enter,
  BT_NAMESPACE_ROOT: root,
  BT_NAMESPACE_TABLE: table,
};
