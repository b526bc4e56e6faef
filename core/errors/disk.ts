/** Files that the operating system does not let bt use: a full disk, a broken one, missing rights. Does not know what is in them. */
import * as path from "node:path";
import { BtError, firstLine } from "../errors.ts";

/** What the codes of the operating system mean, and what helps. */
const obstacles: Readonly<Record<string, readonly [problem: string, fix: string]>> = {
  ENOSPC: ["the disk is full", "Make room on the disk"],
  EDQUOT: ["the quota is used up", "Make room within the quota"],
  EFBIG: ["the file may not grow any further", "Raise the limit of file sizes (`ulimit -f`)"],
  EIO: ["the disk reports an error", "Look at what the kernel says of the disk (`dmesg`)"],
  EACCES: ["permission is denied", "Make the folder writable"],
  EPERM: ["permission is denied", "Make the folder writable"],
  EROFS: ["the file system is read-only", "Make the folder writable"],
  EEXIST: ["a file is where the folder should be", "Remove that file"],
  ENOTDIR: ["a file is where the folder should be", "Remove that file"],
  EISDIR: ["a folder is where the file should be", "Remove that folder"],
};

/** What may be wrong with any file, whoever wants it; other codes are told by who knows what they mean. */
const common = new Set(["ENOSPC", "EDQUOT", "EFBIG", "EIO", "EACCES", "EPERM", "EROFS"]);
const fileCalls = new Set(
  "access chmod close copyfile fchmod fdatasync fstat fsync ftruncate link lstat mkdir mkdtemp open opendir read readlink rename rm rmdir scandir stat symlink unlink utime write".split(
    " ",
  ),
);

/** A file or a folder that cannot be used. Undefined: the error is of another kind. */
export function fileUnusable(cause: unknown, exitCode: number): BtError | undefined {
  if (!(cause instanceof Error) || !("code" in cause) || !("syscall" in cause)) return undefined;
  const code = String(cause.code);
  if (!common.has(code) || !fileCalls.has(String(cause.syscall))) return undefined;
  const [problem, fix] = obstacles[code] ?? ["", ""];
  const right = code === "EACCES" || code === "EPERM" ? "Give the user who runs bt the right to use it" : fix;
  const file = cause.syscall === "symlink" && "dest" in cause ? cause.dest : "path" in cause ? cause.path : undefined;
  const at = typeof file === "string" ? nameOf(file) : undefined;
  return new BtError("FILE_UNUSABLE", `A file cannot be used: ${problem} (${code}, ${String(cause.syscall)})`, {
    ...(at === undefined ? {} : { at: { where: at } }),
    fix: `${right}, then run bt again.`,
    exitCode,
    cause,
  });
}

export function stateUnwritable(file: string, cause: unknown): BtError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const [problem, fix] = obstacles[code] ?? [firstLine(cause), "Make it writable"];
  return new BtError("STATE_UNWRITABLE", `The state cannot be written: ${problem}`, {
    at: { where: file },
    fix: `${fix}, then run bt again; what was remembered before is still there.`,
    cause,
  });
}

/** Relative where that is shorter to read. */
function nameOf(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative === "" || relative.startsWith("..") ? file : relative;
}
