// Bytes, and epochs above them, in shared 64-bit words.
import type { KernelExports } from './kernel.generated.ts';
import { BYTES_HIGH_MASK, EPOCH_SHIFT } from './layout.ts';

const TWO_32 = 2 ** 32;
/** The most that a tag can hold, and the limit where there is none. */
export const MAX_BYTES = 2 ** 53 - 1;

/** The lower half of a number of bytes. */
export function lowOf(bytes: number): number {
  return bytes | 0;
}

/** The upper half of a number of bytes. */
export function highOf(bytes: number): number {
  return (bytes / TWO_32) | 0;
}

/** The bytes in a 64-bit word. */
export function read64(kernel: KernelExports, at: number): number {
  kernel.observe64(at);
  return observedBytes(kernel);
}

/** The bytes in the 64-bit word that the kernel observed last. */
export function observedBytes(kernel: KernelExports): number {
  return (kernel.observedHigh() & BYTES_HIGH_MASK) * TWO_32 + (kernel.observedLow() >>> 0);
}

/** A word of bytes, and the epoch above them. */
export function readEpoch(kernel: KernelExports, at: number): { epoch: number; bytes: number } {
  kernel.observe64(at);
  return { epoch: kernel.observedHigh() >>> EPOCH_SHIFT, bytes: observedBytes(kernel) };
}
