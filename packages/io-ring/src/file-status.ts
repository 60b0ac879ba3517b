/** What is known of a file: the same from `statx` and from node:fs. */
import type { BigIntStats } from 'node:fs';

export interface FileStatus {
  readonly sizeBytes: number;
  /** Type and permissions, as `st_mode`. */
  readonly mode: number;
  readonly links: number;
  readonly userId: number;
  readonly groupId: number;
  readonly inode: bigint;
  /** Bytes that a file takes on its device. */
  readonly allocatedBytes: number;
  /** What the device likes to be read in. */
  readonly blockBytes: number;
  readonly modifiedNs: bigint;
  readonly changedNs: bigint;
  readonly accessedNs: bigint;
  /** When it was made; `null` where the file system does not tell. */
  readonly createdNs: bigint | null;
}

/** STATX_BASIC_STATS and STATX_BTIME. */
export const STATX_MASK = 0xfff;
const STATX_BTIME = 0x800;

/** `struct statx`, 256 bytes, in the byte order of the machine (little on all that have the addon). */
export function readStatx(buffer: ArrayBufferLike, at: number): FileStatus {
  const view = new DataView(buffer, at, 256);
  const time = (offset: number): bigint =>
    view.getBigInt64(offset, true) * 1_000_000_000n + BigInt(view.getUint32(offset + 8, true));
  return {
    sizeBytes: Number(view.getBigUint64(0x28, true)),
    mode: view.getUint16(0x1c, true),
    links: view.getUint32(0x10, true),
    userId: view.getUint32(0x14, true),
    groupId: view.getUint32(0x18, true),
    inode: view.getBigUint64(0x20, true),
    allocatedBytes: Number(view.getBigUint64(0x30, true)) * 512,
    blockBytes: view.getUint32(0x04, true),
    accessedNs: time(0x40),
    createdNs: view.getUint32(0, true) & STATX_BTIME ? time(0x50) : null,
    changedNs: time(0x60),
    modifiedNs: time(0x70),
  };
}

export function fromStats(stats: BigIntStats): FileStatus {
  return {
    sizeBytes: Number(stats.size),
    mode: Number(stats.mode),
    links: Number(stats.nlink),
    userId: Number(stats.uid),
    groupId: Number(stats.gid),
    inode: stats.ino,
    allocatedBytes: Number(stats.blocks) * 512,
    blockBytes: Number(stats.blksize),
    modifiedNs: stats.mtimeNs,
    changedNs: stats.ctimeNs,
    accessedNs: stats.atimeNs,
    createdNs: stats.birthtimeNs === 0n ? null : stats.birthtimeNs,
  };
}
