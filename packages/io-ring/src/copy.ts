/**
 * Copies of whole files. `fs.copyFile` is the fastest where the kernel copies (a clone of the extents, or `copy_file_range`: test/stream-cost.ts), but it
 * can't be stopped, tells nothing on the way, and fills holes. Where one of those is wanted, the file goes through pooled buffers.
 *
 * Not tried by itself: the clone alone (COPYFILE_FICLONE_FORCE). libuv removes a target that was there before when it fails.
 */
import fs from 'node:fs';
import os from 'node:os';
import { copyThroughBuffers } from './copy-buffers.ts';
import { IoArgumentError, OperationError } from './errors.ts';
import { IoFile } from './io-file.ts';
import type { IoRing } from './io-ring.ts';
import { checkObject, checkSignal } from './operation-options.ts';
import type { BufferSource, PooledBuffer } from './ports.ts';
import { stat } from './stat.ts';

/** How a copy was made: by the kernel, or by reads and writes. */
export type CopyWay = 'kernel' | 'buffers';

export interface CopyProgress {
  /** Bytes of the target that are there; holes count. */
  readonly copiedBytes: number;
  /** Bytes of the source when it was opened. */
  readonly totalBytes: number;
}

export interface CopyOptions<Kind extends PooledBuffer = PooledBuffer> {
  /**
   * `auto` by default: `buffers` where a signal or `onProgress` is given, the source has holes or no size, or the target is there and no regular
   * file, else `kernel`. `kernel` takes neither, and no such target.
   */
  readonly way?: CopyWay | 'auto';
  /** Fails with `EEXIST` where there is a target, instead of overwriting it. Default false. */
  readonly exclusive?: boolean;
  /** Stops the copy; it rejects with `signal.reason` when nothing is under way any more. */
  readonly signal?: AbortSignal | undefined;
  /** Called when a piece is there. What it throws ends the copy. */
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined;
  /** Where buffers come from; by default they are the ring's own, of 512 KiB. */
  readonly pool?: BufferSource<Kind>;
}

export interface CopyResult {
  readonly bytes: number;
  readonly way: CopyWay;
  /** Why that way. */
  readonly reason: string;
  /** Bytes of them that were left out as holes. */
  readonly holeBytes: number;
}

/**
 * Copies a file with its permissions. The target is overwritten, unless it is `exclusive`; where the copy fails or is stopped after it was opened, a
 * target that is a regular file is removed, as by `fs.copyFile`. A file that is copied onto itself stays as it is.
 * Rejects with OperationError (`ENOENT`, `ENOSPC` …), `signal.reason`, RingClosedError, what `onProgress` threw.
 * @throws IoArgumentError
 */
export async function copy<Kind extends PooledBuffer = PooledBuffer>(
  ring: IoRing,
  from: string,
  to: string,
  options: CopyOptions<Kind> = {},
): Promise<CopyResult> {
  checkObject(options, '`{ way, exclusive, signal, onProgress }`');
  const { way = 'auto', signal, onProgress } = options;
  if (way !== 'auto' && way !== 'kernel' && way !== 'buffers')
    throw new IoArgumentError('way', way, "'auto', 'kernel' or 'buffers'");
  if (way === 'kernel' && (signal !== undefined || onProgress !== undefined))
    throw new IoArgumentError('way', way, "'auto' or 'buffers', with a signal or `onProgress`");
  for (const [name, value, type] of [
    ['exclusive', options.exclusive, 'boolean'],
    ['onProgress', onProgress, 'function'],
  ] as const)
    if (value !== undefined && typeof value !== type) throw new IoArgumentError(name, value, `a ${type}`);
  checkSignal(signal);
  signal?.throwIfAborted();
  const source = await IoFile.open(ring, from, 'r', { signal });
  try {
    return await copyFrom(ring, source, to, options);
  } finally {
    await source.close();
  }
}

async function copyFrom(ring: IoRing, source: IoFile, to: string, options: CopyOptions): Promise<CopyResult> {
  const { way = 'auto', exclusive = false, signal, onProgress } = options;
  const { mode, sizeBytes, allocatedBytes } = await source.stat({ signal });
  if ((mode & S_IFMT) === S_IFDIR) throw new OperationError('EISDIR', -EISDIR, 'copy', { path: source.path });
  const sparse = allocatedBytes < sizeBytes;
  const sized = (mode & S_IFMT) === S_IFREG && sizeBytes > 0; // not so: pipes, devices, files of /proc
  // copyFile would fail on it, and then remove it: the device of whoever may.
  const special = way !== 'buffers' && !exclusive && (await isSpecial(ring, to, signal));
  if (special && way === 'kernel')
    throw new IoArgumentError('way', way, "'auto' or 'buffers', for a target that is no regular file");
  const reason = special ? 'the target is no regular file' : whyBuffers(signal, onProgress, sparse, sized);
  if (way === 'kernel' || (way === 'auto' && reason === '')) {
    await copyByKernel(source.path, to, exclusive);
    return { bytes: sizeBytes, way: 'kernel', reason: way === 'auto' ? 'the fastest' : ASKED, holeBytes: 0 };
  }
  const task = { ...options, exclusive, sparse, totalBytes: sizeBytes };
  const copied = await copyThroughBuffers(ring, source, to, task);
  return { ...copied, way: 'buffers', reason: way === 'auto' ? reason : ASKED };
}

async function copyByKernel(from: string, to: string, exclusive: boolean): Promise<void> {
  const { COPYFILE_FICLONE, COPYFILE_EXCL } = fs.constants;
  try {
    await fs.promises.copyFile(from, to, COPYFILE_FICLONE | (exclusive ? COPYFILE_EXCL : 0));
  } catch (error) {
    const { code, errno } = error as NodeJS.ErrnoException;
    if (code === undefined || errno === undefined) throw error;
    throw new OperationError(code, errno, 'copyfile', { path: to }); // the source is open
  }
}

/** Whether there is something that is no regular file. What can't be looked at fails when it is opened. */
async function isSpecial(ring: IoRing, path: string, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    return ((await stat(ring, path, { signal })).mode & S_IFMT) !== S_IFREG;
  } catch (error) {
    if (error instanceof OperationError) return false;
    throw error;
  }
}

const { EISDIR } = os.constants.errno;
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
const ASKED = 'asked for';

/** '' where the kernel may as well do it. */
function whyBuffers(signal: unknown, onProgress: unknown, sparse: boolean, sized: boolean): string {
  if (signal !== undefined) return 'can be stopped';
  if (onProgress !== undefined) return 'tells its progress';
  if (!sized) return 'the source has no size';
  return sparse ? 'the source has holes' : '';
}
