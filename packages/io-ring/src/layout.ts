// The only place with offsets in this package: words of 32 bits in the two views that the addon and JavaScript share (native/ring.h has the
// same numbers), and numbers of the kernel.

/** A staged record: what an operation is before it is submitted. */
export const STAGE = {
  opcode: 0,
  sqeFlags: 1,
  fd: 2,
  id: 3,
  region: 4,
  offset: 5,
  length: 6,
  positionLow: 7,
  positionHigh: 8,
  flags: 9,
  mode: 10,
  region2: 11,
  offset2: 12,
  options: 13,
} as const;
export const STAGE_WORDS = 16;

/** A completion. */
export const DONE = { id: 0, result: 1, flags: 2 } as const;
export const DONE_WORDS = 4;

/** Words of `ringFacts`. */
export const FACTS = {
  entries: 0,
  completionEntries: 1,
  setupFlags: 2,
  features: 3,
  inFlight: 4,
  operations: 5,
} as const;
export const FACTS_WORDS = 5 + 64;

/** IORING_OP_*, those that the addon takes. */
export const OP = {
  nop: 0,
  readv: 1,
  writev: 2,
  fsync: 3,
  timeout: 11,
  accept: 13,
  asyncCancel: 14,
  linkTimeout: 15,
  connect: 16,
  fallocate: 17,
  openat: 18,
  close: 19,
  statx: 21,
  read: 22,
  write: 23,
  fadvise: 24,
  send: 26,
  recv: 27,
  shutdown: 34,
  ftruncate: 55,
} as const;
export type Opcode = (typeof OP)[keyof typeof OP];

/** IOSQE_*. */
export const SQE = { fixedFile: 1, drain: 2, link: 4, hardLink: 8, async: 16 } as const;
/** In `options` of a record. */
export const FIXED_BUFFER = 1;
/** IORING_CQE_F_MORE: further completions of the same operation follow. */
export const MORE = 2;

export const SETUP = {
  clamp: 16,
  submitAll: 128,
  coopTaskRun: 256,
  singleIssuer: 4096,
  deferTaskRun: 8192,
} as const;
/** AT_FDCWD: paths are relative to the working directory. */
export const AT_FDCWD = -100;
/** `position` of who wants to read on from where the descriptor is. */
export const CURRENT_POSITION = -1;
