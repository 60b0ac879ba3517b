/** A copy by reads and writes: several of each under way, each piece in one buffer all along. */
import fs from 'node:fs';
import { promisify } from 'node:util';
import type { CopyOptions } from './copy.ts';
import { IoFile } from './io-file.ts';
import type { IoRing } from './io-ring.ts';
import type { PooledBuffer } from './ports.ts';

const truncate = promisify(fs.ftruncate);
const changeMode = promisify(fs.fchmod);
const status = promisify(fs.fstat);
/** Guessed: as many as are read ahead. */
const WRITES = 4;
/** Holes are looked for in pieces of so many bytes. Guessed. */
const HOLE_BYTES = 64 * 1024;
const PERMISSIONS = 0o7777;

interface Task extends CopyOptions {
  readonly exclusive: boolean;
  readonly sparse: boolean;
  readonly totalBytes: number;
}

interface Copied {
  readonly bytes: number;
  readonly holeBytes: number;
}

export async function copyThroughBuffers(
  ring: IoRing,
  source: IoFile,
  to: string,
  task: Task,
): Promise<Copied> {
  const { O_WRONLY, O_CREAT, O_EXCL } = fs.constants;
  const { signal } = task;
  const before = await status(source.fd);
  const flags = O_WRONLY | O_CREAT | (task.exclusive ? O_EXCL : 0); // not O_TRUNC: it may be the source
  const target = await IoFile.open(ring, to, flags, { mode: before.mode & PERMISSIONS, signal });
  let regular = false;
  try {
    const after = await status(target.fd);
    if (after.ino === before.ino && after.dev === before.dev) return { bytes: task.totalBytes, holeBytes: 0 };
    regular = after.isFile();
    if (regular) await truncate(target.fd, 0);
    if (regular) await changeMode(target.fd, before.mode & PERMISSIONS);
    // Zeros that are left out are there already in a new file only, and a pipe takes what comes first as the first.
    const sparse = task.sparse && regular;
    const positioned = regular || after.isBlockDevice();
    const copied = await new BufferCopy(source, target, { ...task, sparse }, positioned).run();
    if (regular && copied.holeBytes > 0) await truncate(target.fd, copied.bytes); // the last piece may be a hole
    await target.close();
    return copied;
  } catch (error) {
    if (regular) await fs.promises.unlink(to).catch(() => undefined);
    throw error;
  } finally {
    await target.close();
  }
}

class BufferCopy {
  readonly #source: IoFile;
  readonly #target: IoFile;
  readonly #task: Task;
  /** Writes have positions, and so there may be several. */
  readonly #positioned: boolean;
  readonly #writes = new Set<Promise<void>>();
  /** The first thing that went wrong. */
  #problem: { readonly error: unknown } | null = null;
  #zeros: Buffer | null = null;
  #bytes = 0;
  #holeBytes = 0;
  #copiedBytes = 0;

  constructor(source: IoFile, target: IoFile, task: Task, positioned: boolean) {
    this.#source = source;
    this.#target = target;
    this.#task = task;
    this.#positioned = positioned;
  }

  async run(): Promise<Copied> {
    const { pool, signal, sparse } = this.#task;
    try {
      const chunkBytes = sparse ? Math.min(pool?.bufferBytes ?? HOLE_BYTES, HOLE_BYTES) : undefined;
      for await (const chunk of this.#source.chunks({ ...(pool && { pool }), chunkBytes, signal })) {
        this.#bytes = chunk.position + chunk.length;
        if (sparse && this.#isHole(chunk.bytes)) {
          this.#holeBytes += chunk.length;
          this.#advance(chunk.length);
        } else this.#write(chunk.keep(), chunk.position);
        if (this.#writes.size >= (this.#positioned ? WRITES : 1)) await Promise.race(this.#writes);
        if (this.#problem !== null) break;
      }
    } catch (error) {
      this.#problem ??= { error };
    }
    await Promise.all(this.#writes);
    if (this.#problem !== null) throw this.#problem.error;
    return { bytes: this.#bytes, holeBytes: this.#holeBytes };
  }

  /** All zeros: on its way it is compared at the speed of memory, and the first other byte ends it. */
  #isHole(bytes: Uint8Array): boolean {
    this.#zeros ??= Buffer.alloc(bytes.byteLength);
    return this.#zeros.subarray(0, bytes.byteLength).equals(bytes);
  }

  #write(buffer: PooledBuffer, position: number): void {
    const { signal } = this.#task;
    const write = async (): Promise<void> => {
      try {
        this.#advance(
          await this.#target.write(buffer, { position: this.#positioned ? position : undefined, signal }),
        );
      } catch (error) {
        this.#problem ??= { error };
      } finally {
        buffer[Symbol.dispose]();
      }
    };
    const written = write().finally(() => this.#writes.delete(written));
    this.#writes.add(written);
  }

  #advance(bytes: number): void {
    this.#copiedBytes += bytes;
    this.#task.onProgress?.({ copiedBytes: this.#copiedBytes, totalBytes: this.#task.totalBytes });
  }
}
