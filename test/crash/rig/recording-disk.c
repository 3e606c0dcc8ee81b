/*
 * recording-disk IMAGE LOG MOUNTPOINT: a FUSE file system with one file, `disk`, whose bytes are those of IMAGE. A loop
 * device over it is a disk that writes down in LOG, in their order, what the kernel wrote and when it asked for a flush.
 *
 * A record: kind (uint32), length (uint32), offset (uint64), all little endian, then `length` bytes of data for a write.
 * Kinds: 1 write, 2 flush, 3 write that was refused (no data), 4 flush that was refused.
 * The record is in LOG before the kernel has its answer: what somebody was told after an answer is behind it in LOG.
 *
 * A second file, `control`, takes one order a write; numbers count from that moment on, the next one is 1:
 *   fail-writes FIRST COUNT    these writes end with EIO and change nothing
 *   fail-flushes FIRST COUNT   these flushes end with EIO
 *   fail-containing TEXT       the next write whose data contain TEXT ends with EIO
 *   well                       no order holds any more
 * Reading it tells `refused N`: how many calls ended with EIO since the last order.
 */
#define FUSE_USE_VERSION 31
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { WRITE = 1, FLUSH = 2, REFUSED_WRITE = 3, REFUSED_FLUSH = 4 };

struct record {
  uint32_t kind;
  uint32_t length;
  uint64_t offset;
};

static int image, record_log;
static off_t image_size;
static unsigned long writes, flushes, refused;
static unsigned long write_first, write_count, flush_first, flush_count;
static char wanted_text[128];

static int is_in(unsigned long number, unsigned long first, unsigned long count) {
  return count > 0 && number >= first && number - first < count;
}

/* A log that can't be written would make every later verdict wrong: the disk ends. */
static void keep(enum kind kind, const char *data, size_t length, off_t offset) {
  struct record record = {kind, length, offset};
  struct iovec parts[2] = {{&record, sizeof record}, {(void *)data, data ? length : 0}};
  size_t whole = parts[0].iov_len + parts[1].iov_len;
  if (writev(record_log, parts, 2) != (ssize_t)whole) {
    perror("recording-disk: the log can't be written");
    _exit(1);
  }
}

static int get_attributes(const char *path, struct stat *stat, struct fuse_file_info *file) {
  (void)file;
  memset(stat, 0, sizeof *stat);
  stat->st_nlink = 1;
  if (strcmp(path, "/") == 0) {
    stat->st_mode = S_IFDIR | 0700;
  } else if (strcmp(path, "/disk") == 0) {
    stat->st_mode = S_IFREG | 0600;
    stat->st_size = image_size;
  } else if (strcmp(path, "/control") == 0) {
    stat->st_mode = S_IFREG | 0600;
  } else {
    return -ENOENT;
  }
  return 0;
}

static int list(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *file,
                enum fuse_readdir_flags flags) {
  (void)path, (void)offset, (void)file, (void)flags;
  const char *names[] = {".", "..", "disk", "control"};
  for (int i = 0; i < 4; i++) fill(buffer, names[i], NULL, 0, 0);
  return 0;
}

static int open_file(const char *path, struct fuse_file_info *file) {
  (void)path;
  /* No page cache between the loop device and this program: a write is here when the kernel says so. */
  file->direct_io = 1;
  return 0;
}

static int truncate_file(const char *path, off_t size, struct fuse_file_info *file) {
  (void)size, (void)file;
  return strcmp(path, "/control") == 0 ? 0 : -EPERM;
}

static int read_file(const char *path, char *buffer, size_t length, off_t offset, struct fuse_file_info *file) {
  (void)file;
  if (strcmp(path, "/control") == 0) {
    char text[64];
    off_t size = snprintf(text, sizeof text, "refused %lu\n", refused);
    if (offset >= size) return 0;
    if (length > (size_t)(size - offset)) length = size - offset;
    memcpy(buffer, text + offset, length);
    return length;
  }
  ssize_t count = pread(image, buffer, length, offset);
  return count < 0 ? -errno : count;
}

static int take_order(const char *text) {
  unsigned long first, count;
  writes = flushes = refused = 0;
  if (sscanf(text, "fail-writes %lu %lu", &first, &count) == 2) {
    write_first = first;
    write_count = count;
  } else if (sscanf(text, "fail-flushes %lu %lu", &first, &count) == 2) {
    flush_first = first;
    flush_count = count;
  } else if (sscanf(text, "fail-containing %127s", wanted_text) == 1) {
    return 0;
  } else if (strncmp(text, "well", 4) == 0) {
    write_count = flush_count = 0;
    wanted_text[0] = 0;
  } else {
    return -EINVAL;
  }
  return 0;
}

static int contains_wanted(const char *data, size_t length) {
  if (!wanted_text[0] || !memmem(data, length, wanted_text, strlen(wanted_text))) return 0;
  wanted_text[0] = 0;
  return 1;
}

static int write_file(const char *path, const char *data, size_t length, off_t offset, struct fuse_file_info *file) {
  (void)file;
  if (strcmp(path, "/control") == 0) {
    char text[256] = "";
    memcpy(text, data, length < sizeof text ? length : sizeof text - 1);
    int result = take_order(text);
    return result ? result : (int)length;
  }
  writes++;
  if (is_in(writes, write_first, write_count) || contains_wanted(data, length)) {
    refused++;
    keep(REFUSED_WRITE, NULL, length, offset);
    return -EIO;
  }
  for (size_t done = 0; done < length;) {
    ssize_t count = pwrite(image, data + done, length - done, offset + done);
    if (count < 0) return -errno;
    done += count;
  }
  keep(WRITE, data, length, offset);
  return length;
}

static int flush_file(const char *path, int only_data, struct fuse_file_info *file) {
  (void)only_data, (void)file;
  if (strcmp(path, "/disk") != 0) return 0;
  flushes++;
  if (is_in(flushes, flush_first, flush_count)) {
    refused++;
    keep(REFUSED_FLUSH, NULL, 0, 0);
    return -EIO;
  }
  keep(FLUSH, NULL, 0, 0);
  return 0;
}

static const struct fuse_operations operations = {
    .getattr = get_attributes,
    .readdir = list,
    .open = open_file,
    .truncate = truncate_file,
    .read = read_file,
    .write = write_file,
    .fsync = flush_file,
};

int main(int count, char **values) {
  if (count != 4) {
    fprintf(stderr, "usage: recording-disk IMAGE LOG MOUNTPOINT\n");
    return 2;
  }
  image = open(values[1], O_RDWR);
  record_log = open(values[2], O_WRONLY | O_CREAT | O_APPEND, 0600);
  struct stat stat;
  if (image < 0 || record_log < 0 || fstat(image, &stat) != 0) {
    perror("recording-disk");
    return 1;
  }
  image_size = stat.st_size;
  /* One thread: the order in the log is the order of the answers. */
  char *arguments[] = {values[0], "-f", "-s", values[3], NULL};
  return fuse_main(4, arguments, &operations, NULL);
}
