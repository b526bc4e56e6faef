/*
 * A disk that fails: preloaded, it lets one call of a program on files below a folder fail, or that one and all later ones.
 * FAULT_ROOT: the folder. FAULT_AT: which call, from 1. FAULT_ERRNO: how; 0: the program is killed there, in the middle of what it writes.
 * FAULT_KEEPS: later calls fail too. FAULT_LOG: file to which each call is added, the failing one with a "!". Programs that are started from there
 * have a sound disk again.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char root[PATH_MAX];
static size_t root_length;
static long at;
static int code;
static int keeps;
static int log_file = -1;
static atomic_long count;

__attribute__((constructor)) static void start(void) {
  const char *folder = getenv("FAULT_ROOT"), *log = getenv("FAULT_LOG");
  if (folder != NULL) snprintf(root, sizeof root, "%s", folder);
  root_length = strlen(root);
  at = getenv("FAULT_AT") ? atol(getenv("FAULT_AT")) : 0;
  code = getenv("FAULT_ERRNO") ? atoi(getenv("FAULT_ERRNO")) : EIO;
  keeps = getenv("FAULT_KEEPS") != NULL;
  if (log != NULL) log_file = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  unsetenv("LD_PRELOAD");
}

enum what { READS, MAKES, WRITES, REMOVES };

/* Whether a call of this sort can end with the error on a real system. */
static int can_fail(enum what what, int has_path) {
  switch (code) {
    case ENOSPC: return what == MAKES || what == WRITES;
    case EACCES: return has_path;
    case 0: return what != READS; /* Before a change; what is read changes nothing. */
    default: return 1;
  }
}

static int is_below(const char *path) {
  return root_length > 0 && strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == 0);
}

static int fails(enum what what, const char *name, const char *path, int has_path) {
  char line[PATH_MAX + 64];
  if (path == NULL || !is_below(path) || !can_fail(what, has_path)) return 0;
  long now = atomic_fetch_add(&count, 1) + 1;
  int hit = at > 0 && (keeps ? now >= at : now == at);
  if (log_file != -1) {
    int length = snprintf(line, sizeof line, "%s%s %s\n", hit ? "! " : "", name, path + root_length);
    syscall(SYS_write, log_file, line, length);
  }
  if (hit && code == 0 && (what != WRITES || has_path)) kill(getpid(), SIGKILL);
  if (hit) errno = code;
  return hit;
}

static int path_fails(enum what what, const char *name, const char *path) {
  char full[PATH_MAX];
  if (path == NULL) return 0;
  if (path[0] != '/' && getcwd(full, sizeof full) != NULL) {
    size_t length = strlen(full);
    snprintf(full + length, sizeof full - length, "/%s", path);
    return fails(what, name, full, 1);
  }
  return fails(what, name, path, 1);
}

static int file_fails(enum what what, const char *name, int descriptor) {
  char link[64], path[PATH_MAX];
  if (root_length == 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return fails(what, name, path, 0);
}

#define REAL(type, name, ...) \
  static type (*real)(__VA_ARGS__); \
  if (real == NULL) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    mode_t mode = 0; \
    if (flags & O_CREAT) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
    if (path_fails(flags & O_CREAT ? MAKES : READS, flags & O_CREAT ? "create" : "open", path)) return -1; \
    REAL(int, #name, const char *, int, ...); \
    return real(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)

/* What was written in part is on the disk. */
static ssize_t tear(ssize_t written) {
  (void)written;
  if (code == 0) kill(getpid(), SIGKILL);
  return -1;
}

#define ON_FILE(type, name, what, params, args, ...) \
  type name params { if (file_fails(what, #name, file)) return tear(0); REAL(type, #name, __VA_ARGS__); return real args; }
ON_FILE(ssize_t, read, READS, (int file, void *to, size_t size), (file, to, size), int, void *, size_t)
ON_FILE(ssize_t, pread64, READS, (int file, void *to, size_t size, off64_t from), (file, to, size, from), int, void *, size_t, off64_t)
ON_FILE(ssize_t, writev, WRITES, (int file, const struct iovec *from, int n), (file, from, n), int, const struct iovec *, int)
ON_FILE(int, fsync, WRITES, (int file), (file), int)
ON_FILE(int, fdatasync, WRITES, (int file), (file), int)

ssize_t write(int file, const void *from, size_t size) {
  REAL(ssize_t, "write", int, const void *, size_t);
  if (file_fails(WRITES, "write", file)) return tear(code == 0 ? real(file, from, size / 2) : 0);
  return real(file, from, size);
}

ssize_t pwrite64(int file, const void *from, size_t size, off64_t to) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  if (file_fails(WRITES, "pwrite64", file)) return tear(code == 0 ? real(file, from, size / 2, to) : 0);
  return real(file, from, size, to);
}

ON_FILE(int, ftruncate64, REMOVES, (int file, off64_t size), (file, size), int, off64_t)
ON_FILE(int, fchmod, REMOVES, (int file, mode_t mode), (file, mode), int, mode_t)

#define ON_PATH(type, bad, name, what, params, args, ...) \
  type name params { if (path_fails(what, #name, path)) return bad; REAL(type, #name, __VA_ARGS__); return real args; }
ON_PATH(int, -1, mkdir, MAKES, (const char *path, mode_t mode), (path, mode), const char *, mode_t)
ON_PATH(int, -1, rmdir, REMOVES, (const char *path), (path), const char *)
ON_PATH(int, -1, unlink, REMOVES, (const char *path), (path), const char *)
ON_PATH(int, -1, chmod, REMOVES, (const char *path, mode_t mode), (path, mode), const char *, mode_t)
ON_PATH(DIR *, NULL, opendir, READS, (const char *path), (path), const char *)

int rename(const char *from, const char *to) {
  if (path_fails(MAKES, "rename", to)) return -1;
  REAL(int, "rename", const char *, const char *);
  return real(from, to);
}

int symlink(const char *target, const char *path) {
  if (path_fails(MAKES, "symlink", path)) return -1;
  REAL(int, "symlink", const char *, const char *);
  return real(target, path);
}

int scandir64(const char *path, struct dirent64 ***list, int (*filter)(const struct dirent64 *),
              int (*compare)(const struct dirent64 **, const struct dirent64 **)) {
  if (path_fails(READS, "scandir", path)) return -1;
  REAL(int, "scandir64", const char *, struct dirent64 ***, int (*)(const struct dirent64 *),
       int (*)(const struct dirent64 **, const struct dirent64 **));
  return real(path, list, filter, compare);
}
