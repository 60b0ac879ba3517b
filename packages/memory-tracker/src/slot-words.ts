// What any thread makes of a worker's slot.
import { amount, readAmount, readTally, tally, type Arena } from '@corelane/shared-memory';
import type { KernelExports } from './kernel.generated.ts';
import { EPOCH_MASK, EPOCH_SHIFT, workerSlot } from './layout.ts';
import type { TagScope } from './tag-cell.ts';
import { highOf, lowOf, readEpoch } from './words64.ts';

/** Guessed: a worker that frees without a pause leaves a reader alone between two of its looks sooner than that. */
const MAX_LOOKS = 64;

const TWO_31 = 2 ** 31;

/** An amount as `units` of 2^31, modulo 2^32, and a `rest`: exact where the sum of both is more than a float holds. */
interface Parts {
  readonly units: number;
  readonly rest: number;
}

/** As readAmount of @corelane/shared-memory, whose protocol says why both words of the tally belong together. */
function readParts(i32: Int32Array, at: number): Parts {
  while (true) {
    const high = Atomics.load(i32, at + tally.word.high); // observe: pairs with the stores of a carry
    const low = Atomics.load(i32, at + tally.word.low);
    if (Atomics.load(i32, at + tally.word.high) !== high) continue;
    const epoch = (high & 1) === low >>> 31 ? high : high - 1;
    return { units: (epoch + Atomics.load(i32, at + amount.word.large)) | 0, rest: low & 0x7fffffff };
  }
}

function difference(allocated: Parts, freed: Parts): number {
  return ((allocated.units - freed.units) | 0) * TWO_31 + (allocated.rest - freed.rest);
}

/** Allocated less freed of a slot, exact. Only for its worker, or who knows that it does not record. */
export function netOf(words: Int32Array): number {
  return difference(readParts(words, workerSlot.word.allocated), readParts(words, workerSlot.word.freed));
}

export interface SlotFigures {
  /** Rounded above 2^53. */
  readonly allocatedBytes: number;
  /** Rounded above 2^53. */
  readonly freedBytes: number;
  readonly netBytes: number;
}

/**
 * Bytes of a slot. What is held is of one moment: of a tag by worker it is a word of its own, whose upper half the amounts say; under
 * a shared tag both amounts are looked at until nothing was freed in between.
 */
export function readBytes(arena: Arena, slotAt: number, scope: TagScope): SlotFigures {
  const { i32 } = arena;
  const freedWord = (slotAt + workerSlot.offset.freed) >> 2;
  const allocatedWord = (slotAt + workerSlot.offset.allocated) >> 2;
  let freed = readParts(i32, freedWord);
  let allocated = readParts(i32, allocatedWord);
  const looks = scope === 'shared' ? MAX_LOOKS : 0;
  for (let look = 0; look < looks; look++) {
    const again = readParts(i32, freedWord);
    const isOfOneMoment = again.units === freed.units && again.rest === freed.rest;
    freed = again;
    if (isOfOneMoment) break;
    // The last `allocated` is older than the last `freed`: rather too little than what was never held.
    if (look < MAX_LOOKS - 1) allocated = readParts(i32, allocatedWord);
  }
  const netBytes = difference(allocated, freed);
  // Off by what is recorded between the two looks at the most, which is far from 2^31.
  const off =
    scope === 'worker' ? (Atomics.load(i32, (slotAt + workerSlot.offset.net) >> 2) - lowOf(netBytes)) | 0 : 0;
  return {
    allocatedBytes: readAmount(i32, allocatedWord),
    freedBytes: readAmount(i32, freedWord),
    netBytes: netBytes + off,
  };
}

/** @param netBytes read before */
export function readPeak(kernel: KernelExports, slotAt: number, resets: number, netBytes: number): number {
  const { epoch, bytes } = readEpoch(kernel, slotAt + workerSlot.offset.peak);
  return Math.max(0, netBytes, epoch === (resets & EPOCH_MASK) ? bytes : 0);
}

export function readCounts(arena: Arena, slotAt: number): { allocations: number; deallocations: number } {
  const deallocations = readTally(arena.i32, (slotAt + workerSlot.offset.deallocations) >> 2);
  const allocations = readTally(arena.i32, (slotAt + workerSlot.offset.allocations) >> 2);
  return { allocations, deallocations };
}

/** Raises the published peak, in the epoch of so many resets. By the worker, or by who resets. */
export function raisePeak(kernel: KernelExports, slotAt: number, resets: number, bytes: number): void {
  const peak = Math.max(0, bytes);
  const epoch = (resets & EPOCH_MASK) << EPOCH_SHIFT;
  kernel.raise(slotAt + workerSlot.offset.peak, lowOf(peak), highOf(peak) | epoch);
}
