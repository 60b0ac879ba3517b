// Ways to read blocks at random, `depth` of them at a time. In each, a read counts when its block is the one that was asked for.
import { closeSync, constants, openSync, promises, read, readSync } from 'node:fs';
import { IoBatch, IoFile } from '@corelane/io-ring';
import { NotMeasurableError } from '../../errors.ts';
import { BLOCK_BYTES, BlockOrder, allocate, isBlock, wordsOf } from './blocks.ts';
import { requireRing } from './require-ring.ts';
import type { OpenTask, Task, TaskOptions } from './task.ts';

/** Memory for `depth` blocks, one a lane, and the order to read in. */
class Lanes {
  readonly memory: Uint8Array;
  readonly views: readonly Uint8Array[];
  readonly order = new BlockOrder();
  readonly #words: Int32Array;

  constructor(depth: number) {
    this.memory = allocate(depth * BLOCK_BYTES);
    this.#words = wordsOf(this.memory);
    this.views = Array.from({ length: depth }, (_, lane) =>
      this.memory.subarray(lane * BLOCK_BYTES, (lane + 1) * BLOCK_BYTES),
    );
  }

  isRight(lane: number, block: number): boolean {
    return isBlock(this.#words, lane, block);
  }
}

/** Loops of awaited reads, one a lane. */
async function inLanes(
  lanes: Lanes,
  operations: number,
  readInto: (view: Uint8Array, position: number) => Promise<number>,
): Promise<number> {
  let started = 0;
  let successful = 0;
  const loop = async (view: Uint8Array, lane: number): Promise<void> => {
    while (started < operations) {
      started++;
      const block = lanes.order.next();
      const bytes = await readInto(view, block * BLOCK_BYTES);
      if (bytes === BLOCK_BYTES && lanes.isRight(lane, block)) successful++;
    }
  };
  await Promise.all(lanes.views.map(loop));
  return successful;
}

function flagsOf(direct: boolean): number {
  return constants.O_RDONLY | (direct ? constants.O_DIRECT : 0);
}

async function openRing({ path, depth, direct }: TaskOptions): Promise<Task> {
  const ring = requireRing();
  const file = await IoFile.open(ring, path, 'r', { direct });
  const lanes = new Lanes(depth);
  const readInto = (view: Uint8Array, position: number): Promise<number> => file.read(view, { position });
  return {
    run: (operations) => inLanes(lanes, operations, readInto),
    async close() {
      await file.close();
      await ring.close();
    },
  };
}

/** Reads of one run from a device: with the last of them under way it has less and less to do, so it is long. */
const DIRECT_RUN = 2048;

/** The thread is blocked meanwhile. */
function openBatch({ path, depth, direct }: TaskOptions): Task {
  const fd = openSync(path, flagsOf(direct));
  const count = direct ? DIRECT_RUN : depth;

  const lanes = new Lanes(count);
  const batch = IoBatch.open({ operations: count, entries: depth, memory: lanes.memory, files: [fd] });
  const { kind, reason } = batch.backend;
  if (kind !== 'io_uring') throw new NotMeasurableError(reason);
  const wanted = new Int32Array(count);
  return {
    run(operations) {
      let successful = 0;
      for (let done = 0; done < operations; done += count) {
        const staged = Math.min(count, operations - done);
        for (let lane = 0; lane < staged; lane++) {
          const block = lanes.order.next();
          wanted[lane] = block;
          batch.read(fd, lanes.views[lane] as Uint8Array, block * BLOCK_BYTES);
        }
        batch.run();
        for (let lane = 0; lane < staged; lane++)
          if (batch.results[lane] === BLOCK_BYTES && lanes.isRight(lane, wanted[lane] as number))
            successful++;
      }
      return successful;
    },
    close() {
      batch.close();
      closeSync(fd);
    },
  };
}

async function openPromises({ path, depth, direct }: TaskOptions): Promise<Task> {
  const handle = await promises.open(path, flagsOf(direct));
  const lanes = new Lanes(depth);
  const readInto = async (view: Uint8Array, position: number): Promise<number> =>
    (await handle.read(view, 0, BLOCK_BYTES, position)).bytesRead;
  return { run: (operations) => inLanes(lanes, operations, readInto), close: () => handle.close() };
}

function openCallback({ path, depth, direct }: TaskOptions): Task {
  const fd = openSync(path, flagsOf(direct));
  const lanes = new Lanes(depth);
  return {
    run(operations) {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      let started = 0;
      let done = 0;
      let successful = 0;
      const next = (lane: number): void => {
        if (started === operations) return;
        started++;
        const block = lanes.order.next();
        read(fd, lanes.views[lane] as Uint8Array, 0, BLOCK_BYTES, block * BLOCK_BYTES, (error, bytes) => {
          if (error !== null) {
            reject(error);
            return;
          }
          if (bytes === BLOCK_BYTES && lanes.isRight(lane, block)) successful++;
          if (++done === operations) resolve(successful);
          else next(lane);
        });
      };
      for (let lane = 0; lane < depth; lane++) next(lane);
      return promise;
    },
    close: () => closeSync(fd),
  };
}

/** One at a time whatever the depth: the thread is blocked meanwhile. */
function openSynchronous({ path, direct }: TaskOptions): Task {
  const fd = openSync(path, flagsOf(direct));
  const lanes = new Lanes(1);
  const [view = lanes.memory] = lanes.views;
  return {
    run(operations) {
      let successful = 0;
      for (let operation = 0; operation < operations; operation++) {
        const block = lanes.order.next();
        if (
          readSync(fd, view, 0, BLOCK_BYTES, block * BLOCK_BYTES) === BLOCK_BYTES &&
          lanes.isRight(0, block)
        )
          successful++;
      }
      return successful;
    },
    close: () => closeSync(fd),
  };
}

export const READERS = {
  ring: openRing,
  batch: openBatch,
  promises: openPromises,
  callback: openCallback,
  sync: openSynchronous,
} satisfies Record<string, OpenTask>;
