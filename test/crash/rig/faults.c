/*
 * A library for LD_PRELOAD that stands between a program and its file-system calls. The file that CRASH_FAULTS names,
 * one page long, says what to do; it is shared memory, so a test changes it while the program runs:
 *
 *   byte   0  uint32  armed: 0 pass everything; 1 act on the call that is described
 *   byte   4  uint32  action: 1 SIGKILL before the call; 2 SIGKILL after it; 3 the call fails; 4 the call does nothing;
 *                        5 the call waits
 *   byte   8  uint32  errno of a call that fails; milliseconds that it waits
 *   byte  12  int32   which of the calls that fit, counted from 1; 0: each of them
 *   byte  16  uint32  calls that were acted on so far
 *   byte  20  uint32  1: calls on files are written down, a line each (`CALL PATH`), in CRASH_FAULTS.calls
 *   byte  64  char[64]   name of the call; `sync` fits fsync and fdatasync, `write` each kind of write
 *   byte 128  char[512]  text that the path contains, or ends with where `$` is the text's end. A descriptor's path is
 *                        what /proc says; a TCP socket is `tcp`
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum action { KILL_BEFORE = 1, KILL_AFTER = 2, FAIL = 3, NOTHING = 4, WAIT = 5 };

struct control {
  uint32_t armed, action, error;
  int32_t which;
  uint32_t hits, is_listing;
  char unused[40];
  char call[64];
  char path[512];
};

static volatile struct control *control;
static int call_list = -1;

__attribute__((constructor)) static void begin(void) {
  const char *name = getenv("CRASH_FAULTS");
  if (!name) return;
  int file = open(name, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  char list[1024];
  snprintf(list, sizeof list, "%s.calls", name);
  call_list = open(list, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (page != MAP_FAILED) control = page;
}

static void end_process(void) {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/* What the call is about: the path of a descriptor as /proc tells it. */
static const char *path_of(int descriptor, char *buffer, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(link, buffer, size - 1);
  buffer[length < 0 ? 0 : length] = 0;
  if (strncmp(buffer, "socket:", 7) == 0) {
    int domain = 0;
    socklen_t domain_size = sizeof domain;
    getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &domain_size);
    strcpy(buffer, domain == AF_INET || domain == AF_INET6 ? "tcp" : "local");
  }
  return buffer;
}

static void write_down(const char *call, const char *path) {
  char line[1200];
  int length = snprintf(line, sizeof line, "%s %s\n", call, path);
  if (syscall(SYS_write, call_list, line, length) != length) abort();
}

/* The names with 64 at their end are the same calls. */
static const char *name_of(const char *call) {
  static const char *const names[] = {"open", "pread", "pwrite", "ftruncate"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
    size_t length = strlen(names[i]);
    if (strncmp(call, names[i], length) == 0 && strcmp(call + length, "64") == 0) return names[i];
  }
  return call;
}

static int fits(const char *call) {
  const char *wanted = (const char *)control->call;
  if (strcmp(wanted, call) == 0) return 1;
  if (strcmp(wanted, "sync") == 0) return strcmp(call, "fsync") == 0 || strcmp(call, "fdatasync") == 0;
  return strcmp(wanted, "write") == 0 && strstr(call, "write") != NULL;
}

/* The text that is wanted; with `$` at its end the path ends with it. */
static int is_about(const char *path) {
  const char *wanted = (const char *)control->path;
  size_t length = strlen(wanted), path_length = strlen(path);
  if (length == 0 || wanted[length - 1] != '$') return strstr(path, wanted) != NULL;
  return path_length >= --length && memcmp(path + path_length - length, wanted, length) == 0;
}

/* What is to be done with a call, 0 for letting it pass. `path` null: that of the descriptor. */
static int decide(const char *call, const char *path, int descriptor) {
  if (!control || (!control->armed && !control->is_listing)) return 0;
  int kept = errno;
  call = name_of(call);
  char buffer[1024];
  if (!path) path = path_of(descriptor, buffer, sizeof buffer);
  if (control->is_listing && path[0] == '/') write_down(call, path);
  int action = 0;
  if (control->armed && fits(call) && is_about(path)) {
    int is_counted = control->which != 0;
    if (!is_counted || __atomic_sub_fetch(&control->which, 1, __ATOMIC_SEQ_CST) == 0) {
      action = control->action;
      /* One call alone: those after it pass. */
      if (is_counted) control->armed = 0;
      __atomic_add_fetch(&control->hits, 1, __ATOMIC_SEQ_CST);
    }
  }
  errno = kept;
  if (action == KILL_BEFORE) end_process();
  return action;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* The body of a call: `result_of_nothing` is what a call that does nothing returns. */
#define CALL(name, path, descriptor, type, result_of_nothing, ...)        \
  static __typeof__(&name) real;                                          \
  if (!real) real = REAL(name);                                           \
  int action = decide(#name, path, descriptor);                           \
  if (action == FAIL) {                                                   \
    errno = control->error;                                               \
    return -1;                                                            \
  }                                                                       \
  if (action == NOTHING) return result_of_nothing;                        \
  if (action == WAIT) usleep(control->error * 1000);                      \
  type result = real(__VA_ARGS__);                                        \
  if (action == KILL_AFTER) end_process();                                \
  return result;

int fsync(int file) { CALL(fsync, NULL, file, int, 0, file) }
int fdatasync(int file) { CALL(fdatasync, NULL, file, int, 0, file) }
ssize_t write(int file, const void *data, size_t size) { CALL(write, NULL, file, ssize_t, size, file, data, size) }
ssize_t writev(int file, const struct iovec *parts, int count) {
  CALL(writev, NULL, file, ssize_t, 0, file, parts, count)
}
ssize_t pwrite(int file, const void *data, size_t size, off_t at) {
  CALL(pwrite, NULL, file, ssize_t, size, file, data, size, at)
}
ssize_t pwrite64(int file, const void *data, size_t size, off64_t at) {
  CALL(pwrite64, NULL, file, ssize_t, size, file, data, size, at)
}
ssize_t pwritev(int file, const struct iovec *parts, int count, off_t at) {
  CALL(pwritev, NULL, file, ssize_t, 0, file, parts, count, at)
}
ssize_t read(int file, void *data, size_t size) { CALL(read, NULL, file, ssize_t, 0, file, data, size) }
ssize_t pread(int file, void *data, size_t size, off_t at) { CALL(pread, NULL, file, ssize_t, 0, file, data, size, at) }
ssize_t pread64(int file, void *data, size_t size, off64_t at) {
  CALL(pread64, NULL, file, ssize_t, 0, file, data, size, at)
}
int ftruncate(int file, off_t size) { CALL(ftruncate, NULL, file, int, 0, file, size) }
int ftruncate64(int file, off64_t size) { CALL(ftruncate64, NULL, file, int, 0, file, size) }
int fallocate(int file, int mode, off_t at, off_t size) { CALL(fallocate, NULL, file, int, 0, file, mode, at, size) }
/* A new name counts where it comes to be: the path is the second one. */
int link(const char *path, const char *second) { CALL(link, second, -1, int, 0, path, second) }
int rename(const char *path, const char *second) { CALL(rename, second, -1, int, 0, path, second) }
int unlink(const char *path) { CALL(unlink, path, -1, int, 0, path) }
int mkdir(const char *path, mode_t mode) { CALL(mkdir, path, -1, int, 0, path, mode) }

#define OPEN(name)                                              \
  int name(const char *path, int flags, ...) {                  \
    mode_t mode = 0;                                            \
    if (flags & (O_CREAT | O_TMPFILE)) {                        \
      va_list rest;                                             \
      va_start(rest, flags);                                    \
      mode = va_arg(rest, mode_t);                              \
      va_end(rest);                                             \
    }                                                           \
    CALL(name, path, -1, int, -1, path, flags, mode)            \
  }
OPEN(open)
OPEN(open64)

/* libuv asks for the facts of a file by number. */
long syscall(long number, ...) {
  static long (*real)(long, ...);
  if (!real) real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
  long value[6];
  va_list rest;
  va_start(rest, number);
  for (int i = 0; i < 6; i++) value[i] = va_arg(rest, long);
  va_end(rest);
  if (number == SYS_statx && value[1] && ((const char *)value[1])[0] == '/') {
    int action = decide("statx", (const char *)value[1], -1);
    if (action == FAIL) {
      errno = control->error;
      return -1;
    }
  }
  return real(number, value[0], value[1], value[2], value[3], value[4], value[5]);
}
