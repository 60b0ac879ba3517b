/* A file from its start to its end with read(2), a piece at a time. `pass-open` opens it, the operation `pass` reads it once. */
#include "raw.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

/** Stays in the cache of a core. */
#define PIECE_BYTES (256u << 10)
/** As in src/suites/io-ring/pass-tasks.ts: one word of so many bytes is looked at, and says which block it is in. */
#define STEP_BYTES (64u << 10)
#define BLOCK_BYTES 4096u

static int file = -1;
static uint64_t file_bytes;
static uint8_t *piece;

static int open_file(const char *path) {
  if (file >= 0) return EBUSY;
  file = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) return errno;
  file_bytes = (uint64_t)status.st_size;
  piece = aligned_alloc(4096, PIECE_BYTES);
  return piece == NULL ? ENOMEM : 0;
}

/** Steps that hold what they should. */
static long pass(void) {
  long right = 0;
  for (uint64_t at = 0; at < file_bytes; at += PIECE_BYTES) {
    if (pread(file, piece, PIECE_BYTES, (off_t)at) != (ssize_t)PIECE_BYTES) return -1;
    for (uint32_t step = 0; step < PIECE_BYTES; step += STEP_BYTES) {
      uint32_t word;
      memcpy(&word, piece + step, sizeof word);
      right += word == (at + step) / BLOCK_BYTES;
    }
  }
  return right;
}

LOOP(loop_pass, pass(), result == (long)(file_bytes / STEP_BYTES))

static int prepare(void) { return piece == NULL ? EBADF : 0; }

bool pass_command(const char *line) {
  char path[4096];
  if (sscanf(line, "pass-open %4095[^\n]", path) != 1) return false;
  int failed = open_file(path);
  if (failed != 0)
    printf("{\"error\":\"opening the file: %s\"}\n", strerror(failed));
  else
    printf("{}\n");
  return true;
}

const operation pass_operations[] = {
    {"pass", loop_pass, prepare},
    {NULL, NULL, NULL},
};
