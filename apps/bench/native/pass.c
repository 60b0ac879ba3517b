/* The first bytes of a file, one piece after the other, with pread(2). `pass-open` opens it, the operation `pass` reads it once. */
#include "raw.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>

/** The kernel copies in longer strides the longer a piece is, up to about here; beyond it nothing is gained. */
#define PIECE_BYTES (1u << 20)
/** Of a huge page. */
#define ALIGNMENT (2u << 20)
/** As in src/suites/io-ring/pass-tasks.ts: one word of so many bytes is looked at, and says which block it is in. */
#define STEP_BYTES (64u << 10)
#define BLOCK_BYTES 4096u

static int file = -1;
static uint64_t file_bytes;
static uint8_t *piece;

static int open_file(uint64_t bytes, const char *path) {
  if (file >= 0) return EBUSY;
  file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno;
  file_bytes = bytes;
  piece = aligned_alloc(ALIGNMENT, ALIGNMENT);
  if (piece == NULL) return ENOMEM;
  madvise(piece, ALIGNMENT, MADV_HUGEPAGE); /* where there are any */
  memset(piece, 1, ALIGNMENT);
  return 0;
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
  uint64_t bytes = 0;
  char path[4096];
  if (sscanf(line, "pass-open %" SCNu64 " %4095[^\n]", &bytes, path) != 2) return false;
  int failed = open_file(bytes, path);
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
