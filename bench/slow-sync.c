/* For LD_PRELOAD: each fsync and fdatasync takes BENCH_SYNC_MS milliseconds longer, as on a slower disk. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static int slowly(const char *name, int file) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  const char *milliseconds = getenv("BENCH_SYNC_MS");
  if (milliseconds) usleep(atoi(milliseconds) * 1000);
  return real(file);
}

int fsync(int file) { return slowly("fsync", file); }
int fdatasync(int file) { return slowly("fdatasync", file); }
