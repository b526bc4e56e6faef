/** Reads what `strace -f -y` wrote: files that were read, written and removed, hosts that were called. Pure; does not know what was declared. */
import * as path from "node:path";
import { parentsOf } from "./paths.ts";

/** What happened between two marks. All paths absolute. */
export interface Traced {
  readonly reads: ReadonlySet<string>;
  readonly writes: ReadonlySet<string>;
  /** Folders that were made. */
  readonly folders: ReadonlySet<string>;
  /** What was removed or renamed, and had not been written or made before. */
  readonly removes: ReadonlySet<string>;
  /** `10.0.0.1:443`, `[::1]:443`, or the path of a socket. */
  readonly hosts: ReadonlySet<string>;
  /** Its end was not that of a success, or did not come. */
  readonly hasFailed: boolean;
}

/** Options for strace that give the lines read here. */
export const straceOptions: readonly string[] = [
  "-f",
  "-y",
  "-qq",
  "-s",
  "4096",
  "-e",
  "trace=%file,fchdir,?clone,?clone3,?fork,?vfork,connect,sendto,sendmsg,sendmmsg",
];

/** Looking for a file of this name says in the trace what begins or ends. Nothing is ever there. */
export function markPath(moment: "begin" | "end" | "fail", task: string): string {
  return `/.bt-audit/${moment}/${encodeURIComponent(task)}`;
}

export interface TraceReader {
  readonly line: (text: string) => void;
  /** By task. */
  readonly close: () => ReadonlyMap<string, Traced>;
}

interface Call {
  readonly name: string;
  readonly args: string;
  readonly result: string;
}

type Taken = Readonly<Record<"reads" | "writes" | "folders" | "removes" | "hosts", Set<string>>>;

export function createTraceReader(): TraceReader {
  const tasks = new Map<string, Taken>();
  const succeeded = new Set<string>();
  const folders = new Map<string, string>(); // Where each process stands, as far as it was told.
  const open = new Map<string, string>(); // First halves of calls that another process interrupted.
  let current: Taken | undefined;

  const take = (pid: string, call: Call): void => {
    const mark = /"\/\.bt-audit\/(begin|end|fail)\/([^"]*)"/.exec(call.args);
    if (mark !== null) {
      const task = decodeURIComponent(mark[2] ?? "");
      if (mark[1] === "begin") tasks.set(task, tasks.get(task) ?? createTaken());
      if (mark[1] === "end") succeeded.add(task);
      current = mark[1] === "begin" ? tasks.get(task) : undefined;
      return;
    }
    if (call.name.startsWith("send")) {
      // Over UDP nobody has to connect first.
      if (current !== undefined && !call.result.startsWith("-1")) noteHost(current, call.args);
      return;
    }
    if (call.name === "fchdir") {
      if (!call.result.startsWith("-1")) folders.set(pid, unescape(/^\d+<(.*)>$/.exec(call.args)?.[1] ?? "/"));
      return;
    }
    if (/^(clone3?|v?fork)$/.test(call.name)) {
      const [child, folder] = [call.result, folders.get(pid)];
      if (folder !== undefined && !folders.has(child)) folders.set(child, folder);
      return;
    }
    const here = /AT_FDCWD<([^>]*)>/.exec(call.args)?.[1];
    if (here !== undefined) folders.set(pid, unescape(here));
    if (call.result.startsWith("-1") && (call.name !== "connect" || call.result.startsWith("-1 ENOENT"))) return;
    const names = [...call.args.matchAll(/(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"/g)].map(
      ([, at, name]) => {
        const [folder, file] = [unescape(at ?? "") || folders.get(pid), unescape(name ?? "")];
        return folder === undefined && !path.isAbsolute(file) ? undefined : path.resolve(folder ?? "/", file);
      },
    );
    const [first, second] = names;
    if (call.name === "chdir" && first !== undefined) folders.set(pid, first);
    if (current !== undefined) note(current, call, { first, second });
  };

  return {
    line(text) {
      const [, pid = "", rest = ""] = /^(\d+) +(.*)$/.exec(text) ?? [];
      if (rest.endsWith("<unfinished ...>")) {
        open.set(pid, rest.slice(0, -"<unfinished ...>".length));
        return;
      }
      const resumed = /^<\.\.\. \w+ resumed>(.*)$/.exec(rest)?.[1];
      const whole = resumed === undefined ? rest : `${open.get(pid) ?? ""}${resumed}`;
      if (resumed !== undefined) open.delete(pid);
      const [, name, args, result] = /^(\w+)\((.*)\) += (.*)$/.exec(whole) ?? [];
      if (name !== undefined && args !== undefined && result !== undefined) take(pid, { name, args, result });
    },
    close: () => new Map([...tasks].map(([task, taken]) => [task, { ...taken, hasFailed: !succeeded.has(task) }])),
  };
}

function createTaken(): Taken {
  return { reads: new Set(), writes: new Set(), folders: new Set(), removes: new Set(), hosts: new Set() };
}

function note(
  { reads, writes, folders, removes, hosts }: Taken,
  { name, args, result }: Call,
  { first, second }: { readonly first: string | undefined; readonly second: string | undefined },
): void {
  const isMade = (file: string): boolean => writes.has(file) || folders.has(file);
  const remove = (file: string | undefined): void => {
    if (file !== undefined && ![file, ...parentsOf(file)].some(isMade)) removes.add(file);
  };
  switch (name) {
    case "open":
    case "openat":
    case "openat2":
    case "creat": {
      if (/\bO_TMPFILE\b/.test(args)) return; // It has no name.
      const file = unescape(/^\d+<(.*)>$/.exec(result)?.[1] ?? "") || first;
      if (file === undefined || !file.startsWith("/")) return; // A pipe or a socket.
      if (name === "creat" || /\bO_(WRONLY|RDWR|CREAT|TRUNC)\b/.test(args)) writes.add(file);
      else if (!/\bO_(DIRECTORY|PATH)\b/.test(args)) reads.add(file);
      return;
    }
    case "execve":
    case "execveat":
    case "readlink":
    case "readlinkat":
      if (first !== undefined) reads.add(first);
      return;
    case "mkdir":
    case "mkdirat":
      if (first !== undefined) folders.add(first);
      return;
    case "unlink":
    case "unlinkat":
    case "rmdir":
      remove(first);
      return;
    case "rename":
    case "renameat":
    case "renameat2":
      remove(first);
      if (second !== undefined) writes.add(second);
      return;
    case "link":
    case "linkat":
    case "symlink":
    case "symlinkat":
      if (second !== undefined) writes.add(second);
      return;
    case "truncate":
      if (first !== undefined) writes.add(first);
      return;
    case "connect":
      noteHost({ hosts }, args);
  }
}

function noteHost({ hosts }: Pick<Taken, "hosts">, args: string): void {
  const host = hostOf(args);
  if (host !== undefined) hosts.add(host);
}

function hostOf(args: string): string | undefined {
  const port = /sin6?_port=htons\((\d+)\)/.exec(args)?.[1];
  const v4 = /inet_addr\("([^"]+)"\)/.exec(args)?.[1];
  const v6 = /inet_pton\(AF_INET6, "([^"]+)"/.exec(args)?.[1];
  if (port === "0") return undefined; // A question about routes, not a call.
  if (v4 !== undefined) return `${v4}:${port}`;
  if (v6 !== undefined) return `[${v6}]:${port}`;
  return /sun_path="(\/[^"]+)"/.exec(args)?.[1];
}

/** `a\"b\303\244` as strace writes it. */
function unescape(text: string): string {
  if (!text.includes("\\")) return text;
  const bytes = text.replaceAll(/\\([0-7]{1,3}|x[0-9a-f]{2}|.)/g, (_, code: string) => {
    if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8));
    if (/^x[0-9a-f]/.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return { n: "\n", t: "\t", r: "\r", v: "\v", f: "\f" }[code] ?? code;
  });
  return Buffer.from(bytes, "latin1").toString();
}
