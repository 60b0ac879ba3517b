// What any thread makes of a worker's slot.
import { amount, readAmount, readTally, repairTally, tally, type Arena } from '@corelane/shared-memory';
import type { KernelExports } from './kernel.generated.ts';
import { EPOCH_MASK, EPOCH_SHIFT, workerSlot } from './layout.ts';
import type { TagScope } from './tag-scope.ts';
import { highOf, lowOf, readEpoch } from './words64.ts';

/** Guessed: a worker that frees without a pause leaves a reader alone between two of its looks sooner than that. */
const MAX_LOOKS = 64;

const TWO_31 = 2 ** 31;
/** Differences of the word of what is held, and the amounts, that are less are what was recorded between two reads. */
const FAR_BYTES = 2 ** 30;

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

/** Allocated less freed of a slot, exact. Only for its worker: it has no carry half done. Allocates nothing. */
export function netOf(words: Int32Array): number {
  const { allocated, freed } = workerSlot.word;
  const { high, large } = amount.word;
  const allocatedUnits = (words[allocated + high] as number) + (words[allocated + large] as number);
  const freedUnits = (words[freed + high] as number) + (words[freed + large] as number);
  const rest = ((words[allocated] as number) & 0x7fffffff) - ((words[freed] as number) & 0x7fffffff);
  return ((allocatedUnits - freedUnits) | 0) * TWO_31 + rest;
}

/**
 * Undoes, or finishes, the record in the middle of which a thread has died. For the worker's next holder before it records, and for who frees it,
 * before that: nobody else writes then.
 */
export function repairSlot(words: Int32Array): void {
  const { allocated, freed, allocations, deallocations, net } = workerSlot.word;
  for (const at of [allocated, freed, allocations, deallocations]) repairTally(words, at);
  Atomics.store(words, net, lowOf(netOf(words))); // pairs with readNet
}

export interface SlotFigures {
  /** Rounded above 2^53. */
  readonly allocatedBytes: number;
  /** Rounded above 2^53. */
  readonly freedBytes: number;
  readonly netBytes: number;
}

/** Bytes of a slot, where what is held is of one moment. */
export function readBytes(arena: Arena, slotAt: number, scope: TagScope): SlotFigures {
  const { i32 } = arena;
  const freedWord = (slotAt + workerSlot.offset.freed) >> 2;
  const allocatedWord = (slotAt + workerSlot.offset.allocated) >> 2;
  const netBytes =
    scope === 'worker'
      ? readNet(i32, allocatedWord, freedWord, (slotAt + workerSlot.offset.net) >> 2)
      : lookForNet(i32, allocatedWord, freedWord);
  return { allocatedBytes: readAmount(i32, allocatedWord), freedBytes: readAmount(i32, freedWord), netBytes };
}

/** Of a tag by worker: the word that has its lower half, and the amounts for the rest. */
function readNet(i32: Int32Array, allocatedWord: number, freedWord: number, netWord: number): number {
  let least = 0;
  for (let look = 0; look < MAX_LOOKS; look++) {
    const allocated = readParts(i32, allocatedWord);
    const freed = readParts(i32, freedWord);
    const low = Atomics.load(i32, netWord);
    const freedSince = difference(readParts(i32, freedWord), freed);
    const allocatedSince = difference(readParts(i32, allocatedWord), allocated);
    const roughly = difference(allocated, freed);
    const off = (low - lowOf(roughly)) | 0;
    least = Math.max(0, roughly - freedSince);
    // The worker has gone far since, or this thread has stood still.
    if (freedSince + allocatedSince >= FAR_BYTES) continue;
    // Half of a large record, which is written in an order in which this is not more than what is held before or after it.
    return Math.max(0, Math.abs(off) >= FAR_BYTES ? roughly : roughly + off);
  }
  return least;
}

/** Under a shared tag: both only go up, so nothing was freed between two equal looks. */
function lookForNet(i32: Int32Array, allocatedWord: number, freedWord: number): number {
  let freed = readParts(i32, freedWord);
  let allocated = readParts(i32, allocatedWord);
  for (let look = 1; look < MAX_LOOKS; look++) {
    const again = readParts(i32, freedWord);
    if (again.units === freed.units && again.rest === freed.rest) return difference(allocated, freed);
    freed = again;
    allocated = readParts(i32, allocatedWord);
  }
  // Not of one moment: rather too little than what was never held.
  return difference(allocated, readParts(i32, freedWord));
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
