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

/** A vector: of a list of vectors, which records point to. */
export const VECTOR = { region: 0, offset: 1, length: 2 } as const;
export const VECTOR_WORDS = 3;

/** A completion. */
export const DONE = { id: 0, result: 1 } as const;
export const DONE_WORDS = 2;

/** Words of `ringFacts`. */
export const FACTS = { entries: 0, completionEntries: 1, inFlight: 2 } as const;
export const FACTS_WORDS = 3;

/** IORING_OP_*, those that the addon takes. */
export const OP = {
  /** What stands for a chain; never handed over. */
  chain: 0,
  readv: 1,
  writev: 2,
  fsync: 3,
  accept: 13,
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
  /** Linux 6.9. */
  ftruncate: 55,
} as const;
export type Opcode = (typeof OP)[keyof typeof OP];

/** IOSQE_*. */
export const SQE = { fixedFile: 1, link: 4, async: 16 } as const;
/** In `options` of a record. */
export const FIXED_BUFFER = 1;
/** In `options` of a record: wait until there is something before the first try. */
export const POLL_FIRST = 2;

/** An address of IP version 4 or 6 as a record, in bytes. */
export const ADDRESS = { family: 0, port: 2, scope: 4, text: 8 } as const;
export const ADDRESS_BYTES = 64;
/** What `setSocketOption` takes. */
export const SOCKET_OPTION = {
  reuseAddress: 0,
  reusePort: 1,
  ipv6Only: 2,
  noDelay: 3,
  keepAliveSeconds: 4,
  reset: 5,
} as const;
export type SocketOption = (typeof SOCKET_OPTION)[keyof typeof SOCKET_OPTION];
/** MSG_*: the kernel goes on with a short transfer; a connection that is gone is an error and no signal. */
export const MESSAGE = { waitAll: 0x100, noSignal: 0x4000 } as const;
/** SHUT_WR: no more will be sent. */
export const SHUT_SENDING = 1;

/** IORING_SETUP_*. */
export const SETUP = { clamp: 16, submitAll: 128, coopTaskRun: 256, singleIssuer: 4096 } as const;
/** AT_FDCWD: paths are relative to the working directory. */
export const AT_FDCWD = -100;
/** AT_SYMLINK_NOFOLLOW. */
export const SYMLINK_NOFOLLOW = 0x100;
/** `position` of who wants to read on from where the descriptor is. */
export const CURRENT_POSITION = -1;

/** The position of the record at `at`: 64 bits, two's complement. A number that is not small is an object on the way, so small ones are not divided. */
export function setPosition(words: Int32Array, at: number, position: number): void {
  words[at + STAGE.positionLow] = position | 0;
  words[at + STAGE.positionHigh] =
    position >= 0 && position <= 0x7fffffff ? 0 : Math.floor(position / 2 ** 32);
}
