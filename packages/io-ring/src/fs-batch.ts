/**
 * Batches on node:fs. Blocking, they run one after the other, which is the fastest that node:fs has where pages are cached; else a few chains at a
 * time go to libuv's threads.
 */
import fs from 'node:fs';
import { OP, SQE, STAGE, STAGE_WORDS } from './layout.ts';

const CANCELLED = -125;
/** IORING_FSYNC_DATASYNC. */
const DATA_ONLY = 1;
/** Chains under way at once: as many as libuv has threads by default. */
const LANES = 4;

type Callback = (error: NodeJS.ErrnoException | null, result?: number) => void;

export class FsBatch {
  /** The memory of each record. */
  readonly views: (Uint8Array | null)[] = [];
  /** Those of each vectored record. */
  readonly vectors: (readonly Uint8Array[])[] = [];
  readonly #staged: Int32Array;
  readonly #results: Int32Array;

  constructor(staged: Int32Array, results: Int32Array) {
    this.#staged = staged;
    this.#results = results;
  }

  /** How many succeeded. */
  run(count: number): number {
    let broken = false;
    for (let index = 0; index < count; index++)
      broken = this.#finish(index, broken ? CANCELLED : this.#runOne(index));
    return this.#end(count);
  }

  /** The same on other threads. `cancelled` is asked before each operation. */
  async runAsync(count: number, cancelled: () => boolean): Promise<number> {
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < count) {
        const first = next;
        while (next < count - 1 && this.#linked(next)) next++;
        const last = next++;
        let broken = false;
        for (let index = first; index <= last; index++)
          // eslint-disable-next-line no-await-in-loop -- a chain is one after the other
          broken = this.#finish(index, broken || cancelled() ? CANCELLED : await this.#startOne(index));
      }
    };
    await Promise.all(Array.from({ length: LANES }, lane));
    return this.#end(count);
  }

  #linked(index: number): boolean {
    return this.#staged[index * STAGE_WORDS + STAGE.sqeFlags] === SQE.link;
  }

  /** Whether the chain ends here. */
  #finish(index: number, result: number): boolean {
    this.#results[index] = result;
    return this.#linked(index) && (result < 0 || result < this.#bytesOf(index));
  }

  #bytesOf(index: number): number {
    const parts = this.vectors[index];
    if (parts !== undefined) return parts.reduce((sum, part) => sum + part.byteLength, 0);
    return this.views[index]?.byteLength ?? 0;
  }

  #end(count: number): number {
    this.views.length = 0;
    this.vectors.length = 0;
    return this.#results.subarray(0, count).reduce((sum, result) => sum + (result >= 0 ? 1 : 0), 0);
  }

  #record(index: number): { opcode: number; fd: number; position: number; flags: number } {
    const at = index * STAGE_WORDS;
    const word = (field: number): number => this.#staged[at + field] as number;
    const position = word(STAGE.positionHigh) * 2 ** 32 + (word(STAGE.positionLow) >>> 0);
    return { opcode: word(STAGE.opcode), fd: word(STAGE.fd), position, flags: word(STAGE.flags) };
  }

  #runOne(index: number): number {
    const { opcode, fd, position, flags } = this.#record(index);
    const view = this.views[index] as Uint8Array;
    try {
      if (opcode === OP.read) return fs.readSync(fd, view, 0, view.byteLength, position);
      if (opcode === OP.readv) return fs.readvSync(fd, this.vectors[index] ?? [], position);
      if (opcode === OP.writev) return fs.writevSync(fd, this.vectors[index] ?? [], position);
      if (opcode === OP.write) return fs.writeSync(fd, view, 0, view.byteLength, position);
      if (flags === DATA_ONLY) fs.fdatasyncSync(fd);
      else fs.fsyncSync(fd);
      return 0;
    } catch (error) {
      return errnoOf(error as NodeJS.ErrnoException);
    }
  }

  #startOne(index: number): Promise<number> {
    const { opcode, fd, position, flags } = this.#record(index);
    const view = this.views[index] as Uint8Array;
    return new Promise((resolve, reject) => {
      const done: Callback = (error, result = 0) => {
        if (error === null) resolve(result);
        else if (typeof error.errno === 'number') resolve(error.errno);
        else reject(error);
      };
      if (opcode === OP.read) fs.read(fd, view, 0, view.byteLength, position, done);
      else if (opcode === OP.write) fs.write(fd, view, 0, view.byteLength, position, done);
      else if (opcode === OP.readv) fs.readv(fd, this.vectors[index] ?? [], position, done);
      else if (opcode === OP.writev) fs.writev(fd, this.vectors[index] ?? [], position, done);
      else if (flags === DATA_ONLY) fs.fdatasync(fd, done);
      else fs.fsync(fd, done);
    });
  }
}

/** -errno of an error of the system. @throws the error, where it is another */
function errnoOf(error: NodeJS.ErrnoException): number {
  if (typeof error.errno !== 'number') throw error;
  return error.errno;
}
