// One tag on one thread: records what is allocated and freed under it.
import { readAmount, repairTally } from '@corelane/shared-memory';
import { ArgumentRangeError, disposed, MemoryOverflowError, MemoryUnderflowError } from './errors.ts';
import type { KernelExports } from './kernel.generated.ts';
import { TRACK_DONE, workerSlot } from './layout.ts';
import type { TrackerTable } from './table.ts';

const TWO_32 = 2 ** 32;
const NET = 0;
const PEAK = 1;

/** Bytes that are deallocated when it is disposed, once. */
export class Tracked {
  readonly bytes: number;
  #recorder: TagRecorder | undefined;

  /** Made by `TagRecorder.track`. @internal */
  constructor(recorder: TagRecorder, bytes: number) {
    this.bytes = bytes;
    this.#recorder = recorder;
  }

  [Symbol.dispose](): void {
    const recorder = this.#recorder;
    this.#recorder = undefined;
    recorder?.dealloc(this.bytes);
  }
}

export class TagRecorder {
  readonly tag: string;
  readonly #kernel: KernelExports;
  readonly #tagAt: number;
  readonly #slotAt: number;
  /** What this worker's slot holds: allocated minus freed, and the most that has been. In an array, since fields box floats. */
  readonly #own = new Float64Array(2);
  #closed = false;

  /** Made by a tracker. @internal */
  constructor(table: TrackerTable, kernel: KernelExports, worker: number, tagIndex: number) {
    this.tag = table.names.nameOf(tagIndex);
    this.#kernel = kernel;
    this.#tagAt = table.tagAt(tagIndex);
    this.#slotAt = table.slotAt(worker, tagIndex);
    // A thread that held the worker before may have died in the middle of a carry.
    const { offset } = workerSlot;
    for (const at of [offset.allocated, offset.freed, offset.allocations, offset.deallocations])
      repairTally(table.arena.i32, (this.#slotAt + at) >> 2);
    const words = (at: number): number => readAmount(table.arena.i32, (this.#slotAt + at) >> 2);
    this.#own[NET] = words(offset.allocated) - words(offset.freed);
    this.#own[PEAK] = read64(kernel, this.#slotAt + offset.peak);
  }

  /**
   * Records that `bytes` were allocated: an integer from 0 to 2^53 - 1. Never blocks, allocates nothing.
   * @throws ArgumentRangeError; MemoryOverflowError where the tag would hold 2^53 or more; TrackerDisposedError
   */
  alloc(bytes: number): void {
    this.#check(bytes);
    const outcome =
      (bytes | 0) === bytes
        ? this.#kernel.trackAlloc(this.#tagAt, this.#slotAt, bytes, 0)
        : this.#kernel.trackAlloc(this.#tagAt, this.#slotAt, bytes | 0, (bytes / TWO_32) | 0);
    if (outcome !== TRACK_DONE) throw new MemoryOverflowError(this.tag, bytes, observed(this.#kernel));
    const net = (this.#own[NET] as number) + bytes;
    this.#own[NET] = net;
    if (net > (this.#own[PEAK] as number)) this.#raise(net);
  }

  /**
   * Records that `bytes` were freed, on whichever thread they were allocated. Never blocks, allocates nothing.
   * @throws MemoryUnderflowError where all workers together hold less under this tag: nothing is changed; ArgumentRangeError;
   *   TrackerDisposedError
   */
  dealloc(bytes: number): void {
    this.#check(bytes);
    const outcome =
      (bytes | 0) === bytes
        ? this.#kernel.trackDealloc(this.#tagAt, this.#slotAt, bytes, 0)
        : this.#kernel.trackDealloc(this.#tagAt, this.#slotAt, bytes | 0, (bytes / TWO_32) | 0);
    if (outcome !== TRACK_DONE) throw new MemoryUnderflowError(this.tag, bytes, observed(this.#kernel));
    this.#own[NET] = (this.#own[NET] as number) - bytes;
  }

  /** `using held = pool.track(4096);` records an allocation now and its end with the scope. */
  track(bytes: number): Tracked {
    this.alloc(bytes);
    return new Tracked(this, bytes);
  }

  #raise(net: number): void {
    this.#own[PEAK] = net;
    this.#kernel.raise(this.#slotAt + workerSlot.offset.peak, net | 0, (net / TWO_32) | 0);
  }

  #check(bytes: number): void {
    if (this.#closed) disposed();
    if ((bytes | 0) === bytes ? bytes < 0 : !Number.isSafeInteger(bytes) || bytes < 0)
      throw new ArgumentRangeError('bytes', bytes, 'an integer from 0 to 2^53 - 1');
  }

  /** From now on every use throws. @internal */
  close(): void {
    this.#closed = true;
  }
}

/** A 64-bit word below 2^53. */
export function read64(kernel: KernelExports, at: number): number {
  kernel.observe64(at);
  return observed(kernel);
}

function observed(kernel: KernelExports): number {
  return kernel.observedHigh() * TWO_32 + (kernel.observedLow() >>> 0);
}
