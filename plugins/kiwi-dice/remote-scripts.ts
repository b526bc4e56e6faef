/** What runs on an ssh host, as bash scripts: each gets its values as arguments. Pure; does not know how they get there. */

/** One word for a POSIX shell, whatever is in it. */
function quoteWord(word: string): string {
  return /^[\w@%+:,./=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A command line of these words. */
export function quoteWords(words: readonly string[]): string {
  return words.map(quoteWord).join(" ");
}

/** KIWI; workdir. Prints `name=value` lines: what the host is and lacks, and foreign processes. */
export const probeScript = `kiwi=$1
echo "arch=$(uname -m)"
echo "kiwi=$("$kiwi" --version 2>/dev/null | grep -i -m 1 version)"
for name in rsync flock unshare sha256sum "$kiwi"; do command -v "$name" >/dev/null || echo "missing=$name"; done
echo "uid=$(id -u)"
for proc in /proc/[0-9]*; do
  { mapfile -d '' -n 2 words < "$proc/cmdline"; } 2>/dev/null || continue
  for word in "\${words[@]}"; do
    case "\${word##*/}" in kiwi|kiwi-ng) echo "foreign=\${proc#/proc/} $word"; break;; esac
  done
done
exit 0`;

/**
 * Workdir, name of the job, owner. Holds the host's lock and the job's folder until its input ends or is silent for 25 seconds;
 * then ends the build whose process the job names, if it is still that process, and removes the folder.
 */
export const keeperScript = `umask 077
case $1 in '~'|'~/'*) work=$HOME\${1#'~'};; *) work=$1;; esac
mkdir -p "$work" || exit 1
exec 9>>"$work/lock"
if ! flock -n 9; then echo "busy=$(cat "$work/owner" 2>/dev/null)"; exit 75; fi
printf '%s\\n' "$3" > "$work/owner"
remove() {
  if grep -qF -- " $1/" /proc/self/mountinfo; then echo "mounted=$1"; return; fi
  rm -rf --one-file-system -- "$1"
}
for old in "$work"/job-*; do [ -d "$old" ] && remove "$old"; done
job=$work/job-$2
mkdir "$job" || exit 1
echo "job=$job"
echo "free=$(df -Pm "$job" | awk 'NR == 2 { print $4 }')"
keep=
while read -r -t 25 word; do [ "$word" = keep ] && keep=yes; done
exec >/dev/null 2>&1 # Nobody may listen any more, and a message to nobody would end this shell.
if read -r pid start < "$job/pid"; then
  stat=$(cat "/proc/$pid/stat" 2>/dev/null) && set -- \${stat##*) } && [ "\${20}" = "$start" ] && kill -KILL "$pid"
  for _ in {1..100}; do [ -d "/proc/$pid" ] || break; sleep 0.1; done
fi
if [ -n "$keep" ]; then mv "$job" "$work/kept-$2"; else for _ in {1..20}; do remove "$job" 2>/dev/null; [ -d "$job" ] || break; sleep 0.1; done; fi
exit 0`;

/** Job; then a command, which takes the place of the shell, so that its process is the one that is written down. */
export const startScript = `job=$1; shift
stat=$(cat /proc/$$/stat) && set -- "$job" \${stat##*) } -- "$@"
echo "$$ \${21}" > "$job/pid"
while [ "$1" != -- ]; do shift; done; shift
export LANG=C.UTF-8; unset LC_ALL
exec "$@"`;

/** Job; then files of its `build`, which go to `bundle`. */
export const pickScript = `cd "$1" || exit 1; shift
mkdir bundle && for name; do mv -- "build/$name" bundle/ || exit 1; done`;

/** Job; then paths in it. Prints those that are not there. */
export const missingScript = `cd "$1" || exit 1; shift
for name; do [ -e "$name" ] || printf '%s\\n' "$name"; done`;

/** Job. Prints digest and name of each file of `bundle`. */
export const sumScript = `cd "$1/bundle" && sha256sum -- *`;

/** Job. Waits until it is gone, at most ten seconds. */
export const goneScript = `for _ in {1..100}; do [ -d "$1" ] || exit 0; sleep 0.1; done; exit 1`;
