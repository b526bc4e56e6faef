import { expect, test } from "vitest";
import { createTraceReader, markPath } from "../../core/strace.ts";

/** What the lines of a trace say of task `bake`. */
function read(...lines: string[]): Record<"reads" | "writes" | "removes" | "hosts", string[]> {
  const reader = createTraceReader();
  const mark = (moment: "begin" | "end"): string =>
    `1 access("${markPath(moment, "bake")}", F_OK) = -1 ENOENT (No such file)`;
  for (const line of [mark("begin"), ...lines, mark("end"), `1 openat(AT_FDCWD</w>, "late", O_RDONLY) = 3</w/late>`])
    reader.line(line);
  const { reads, writes, removes, hosts } = reader.close().get("bake")!;
  return { reads: [...reads], writes: [...writes], removes: [...removes], hosts: [...hosts] };
}

test("a call that another process interrupts is put together", () => {
  const found = read(
    `7 openat(AT_FDCWD</w>, "flour", O_RDONLY <unfinished ...>`,
    `8 openat(AT_FDCWD</w>, "bread", O_WRONLY|O_CREAT, 0666 <unfinished ...>`,
    `7 <... openat resumed>)             = 3</w/flour>`,
    `8 <... openat resumed>)             = 4</w/bread>`,
  );

  expect(found).toEqual({ reads: ["/w/flour"], writes: ["/w/bread"], removes: [], hosts: [] });
});

test("a path is resolved from where its process stands", () => {
  const found = read(
    `7 chdir("/w/deep") = 0`,
    `7 rename("a", "../b") = 0`,
    `7 mkdirat(5</else>, "c", 0777) = 0`,
    `8 openat(AT_FDCWD</v>, "none", O_RDONLY) = -1 ENOENT (No such file or directory)`,
    `8 rename("a", "b") = 0`,
  );

  expect(found.writes).toEqual(["/w/b", "/v/b"]);
});

test("a thread and a child stand where the one that started them stands", () => {
  const found = read(
    `7 chdir("/w/deep") = 0`,
    `7 clone3({flags=CLONE_VM|CLONE_THREAD} => {parent_tid=[8]}, 88) = 8`,
    `8 unlink("a") = 0`,
    `8 openat(AT_FDCWD</w/deep>, "..", O_RDONLY|O_DIRECTORY) = 5</w>`,
    `8 fchdir(5</w>) = 0`,
    `8 clone(child_stack=NULL, flags=SIGCHLD, child_tidptr=0x7f) = 9`,
    `9 unlink("b") = 0`,
    `10 unlink("nobody knows where") = 0`,
  );

  expect(found.removes).toEqual(["/w/deep/a", "/w/b"]);
});

test("names are read as strace writes them", () => {
  expect(read(`7 openat(AT_FDCWD</w>, "a\\"b \\303\\244", O_RDONLY) = 3</w/a"b \\303\\244>`).reads).toEqual([
    `/w/a"b ä`,
  ]);
});

test("calls that failed count for nothing, but a host that was called was called", () => {
  const found = read(
    `7 openat(AT_FDCWD</w>, "none", O_RDONLY) = -1 ENOENT (No such file or directory)`,
    `7 connect(3<socket:[1]>, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::1", &sin6_addr), sin6_scope_id=0}, 28) = -1 ECONNREFUSED (Connection refused)`,
    `7 connect(3<socket:[1]>, {sa_family=AF_UNIX, sun_path="/run/docker.sock"}, 110) = 0`,
    `7 connect(3<socket:[1]>, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("10.0.0.1")}, 16) = 0`,
  );

  expect(found).toEqual({ reads: [], writes: [], removes: [], hosts: ["[::1]:443", "/run/docker.sock"] });
});
