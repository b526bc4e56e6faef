/** The three shell scripts that run a command in a user and mount namespace with its own binfmt_misc. Text only; starts nothing. */

/**
 * `sh -c enterScript NAME waitScript registerScript RULE… -- COMMAND…` becomes COMMAND, in the same process. Only somebody outside may
 * map all users of a new namespace, so a helper beside it does that and ends.
 */
export const enterScript = `own=$(readlink /proc/self/ns/user)
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
exec unshare --user --mount sh -c "$1" "$0" "$@"`;

/** In the namespace: becomes its root as soon as users are mapped. */
export const waitScript = `until read -r mapped </proc/self/gid_map; do sleep 0.01; done
shift
exec setpriv --reuid 0 --regid 0 --clear-groups sh -c "$1" "$0" "$@"`;

/** As root of the namespace: fills its table and becomes the command. */
export const registerScript = `shift
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc || exit
while [ "$1" != -- ]; do
  cat "$1" >/proc/sys/fs/binfmt_misc/register || exit
  shift
done
shift
exec "$@"`;
